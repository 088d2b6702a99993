"""The gain at each batch size, over rates: one margin of the map, with intervals."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from pipeline.content import Record
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.samples import sample_of


class BatchPoint(Record):
    """The gain at one batch size, over rates."""

    named_by: ClassVar = ("batch_size",)

    batch_size: int
    gain: Estimate


def curve_over_batch_size(
    batch_sizes: ArrayLike, gains: ArrayLike, *, seeds: ArrayLike, level: float
) -> tuple[BatchPoint, ...]:
    """Gain at each batch size, over the blocks in which both trained (finite gains)."""
    sizes, values = np.asarray(batch_sizes, np.int64), np.asarray(gains, np.float64)
    labels, finite = np.asarray(seeds, np.int64), np.isfinite(values)
    points = []
    for size in np.unique(sizes[finite]):
        own = finite & (sizes == size)
        gain = estimate(sample_of(values[own], seeds=labels[own]), level=level)
        assert gain is not None
        points.append(BatchPoint(batch_size=int(size), gain=gain))
    return tuple(points)
