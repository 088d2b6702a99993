"""Every combination of the values that an experiment lists, with each of its seeds.

Nothing is searched: the settings were fixed before the runs, and every arm of a cell gets the
same ones, seed by seed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Result
from pipeline.search.proposal import Proposal
from pipeline.studies import Study


class Factorial:
    """Proposals of one study: its axes' combinations in order, each once per seed."""

    def __init__(self, study: Study) -> None:
        """Begin at the first combination.

        Raises:
            ValueError: The study has a space to search, or asks for a part of its combinations.
        """
        if study.space:
            raise ValueError(f"searches nothing, {study.name} has {sorted(study.space)[0]}")
        if study.design.trials != (size := self.size(study)):
            raise ValueError(f"trials must be null or {size}, all of {study.name}'s")
        self._proposals = (Proposal(values) for values in study.combinations() for _ in study.seeds)

    @staticmethod
    def size(study: Study) -> int:
        """Return the number of trials: combinations times seeds."""
        return len(study.combinations()) * len(study.seeds)

    def propose(self, _: Sequence[Result]) -> Proposal:
        """Return the next combination; results don't matter."""
        return next(self._proposals)
