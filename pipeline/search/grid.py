"""Every combination of evenly spaced values, the last dimension changing fastest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pipeline.records import Result
from pipeline.search.proposal import Proposal
from pipeline.search.space import bounds, is_whole, value
from pipeline.studies import Dimension, Study


class Grid:
    """Proposals of one study: the points of its grid, in order."""

    def __init__(self, study: Study, *, points: int) -> None:
        """Lay out the grid.

        Args:
            study: Whose space is searched.
            points: Values of each dimension that has no number of its own.

        Raises:
            ValueError: The study asks for a part of the grid: a lopsided comparison.
        """
        if study.design.trials != (size := self.size(study, points=points)):
            raise ValueError(f"trials must be null or {size}, the size of {study.name}'s grid")
        axes = [_values(dimension, points) for _, dimension in sorted(study.space.items())]
        self._names = sorted(study.space)
        self._points = itertools.product(*axes)

    @staticmethod
    def size(study: Study, *, points: int) -> int:
        """Return the number of points."""
        count = 1
        for dimension in study.space.values():
            count *= len(_values(dimension, points))
        return count

    def propose(self, _: Sequence[Result]) -> Proposal:
        """Return the next point; results don't matter."""
        return Proposal(dict(zip(self._names, next(self._points), strict=True)))


def _values(dimension: Dimension, points: int) -> list[float | int]:
    """Return a dimension's values: all whole ones, else `points` from end to end."""
    low, high = bounds(dimension)
    if is_whole(dimension):
        return [value(dimension, place) for place in range(round(low), round(high) + 1)]
    if points == 1:
        return [value(dimension, (low + high) / 2)]
    return [value(dimension, low + (high - low) * i / (points - 1)) for i in range(points)]
