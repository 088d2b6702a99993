"""In what share of the specifications a verdict stays the same."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.arguments import Proportion, Tally
from pipeline.claims.rules import Word
from pipeline.content import Record


class Robustness(Record):
    """How a verdict fares under other specifications.

    `share` is `same` over those that were tested, absent without any. `changed`
    has the other words by specification, `untested` those that have no runs.
    """

    same: Tally
    tested: Tally
    share: Proportion | None
    changed: dict[str, Word]
    untested: tuple[str, ...]


def robustness(word: Word, specifications: Mapping[str, Word]) -> Robustness:
    """Count the specifications with the same verdict.

    Args:
        word: The verdict that the report prints.
        specifications: Verdicts by specification (statistics, rates, dataset),
            the printed one not among them.
    """
    tested = [name for name, other in specifications.items() if other != "not tested here"]
    changed: dict[str, Word] = {
        name: specifications[name] for name in tested if specifications[name] != word
    }
    same = len(tested) - len(changed)
    return Robustness(
        same=same,
        tested=len(tested),
        share=same / len(tested) if tested else None,
        changed=changed,
        untested=tuple(name for name in specifications if name not in tested),
    )
