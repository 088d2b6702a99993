"""A finding: which layer, what is wrong, how much, why it matters, and the line that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pipeline.content import Record

Rank = Literal["harm", "warning", "note"]
RANKS: tuple[Rank, ...] = ("harm", "warning", "note")
WHOLE = "(whole model)"


class Finding(Record):
    """One thing that a check found.

    Attributes:
        layer: Path of the layer within the model, as `backbone/block_1/norm`.
        code: What was found, in kebab-case: the same word whatever the numbers.
        rank: `harm` ruins what the model says, `warning` may, `note` costs or surprises.
        says: What was found, with its number, as a sentence's half.
        numbers: The figures by name, finite.
        why: Why it matters.
        line: What to do: a line of Keras code.
    """

    layer: str
    code: str
    rank: Rank
    says: str
    numbers: dict[str, float]
    why: str
    line: str


def by_harm(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, what does most harm first, else as they came."""
    return tuple(sorted(findings, key=lambda each: RANKS.index(each.rank)))
