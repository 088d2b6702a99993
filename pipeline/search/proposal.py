"""What a search hands out: hyperparameters for a trial, and where that trial is stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.arguments import Argument
from pipeline.records import Result


@dataclass(frozen=True)
class Proposal:
    """The next trial of a study.

    Attributes:
        values: Hyperparameters by dimension name.
        thresholds: For each epoch, the validation score under which the trial is stopped
            there, or nothing; empty for a trial that runs to its end.
    """

    values: Mapping[str, Argument]
    thresholds: tuple[float | None, ...] = ()


class Proposer(Protocol):
    """Proposals of one study, in index order: a function of the study, the index and results.

    Built as `proposer(study, **arguments)`. A proposer that searches a space
    of a size of its own also has a method `size(study, **arguments)`: the
    number of trials where a design leaves it open.
    """

    def propose(self, results: Sequence[Result]) -> Proposal:
        """Return the next proposal.

        Args:
            results: At least the results 0 .. n - lag of the study, in index
                order, where n is how often this was called before. Later ones
                are not looked at.
        """
        ...
