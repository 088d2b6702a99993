"""Map of where: in which bins of rate and batch size an arm helps, hurts, or can't be told.

Paired points over log rate and log batch size fall into bins. A bin's blocks are
tested against no difference, failures and trained blocks each, over seed
clusters, and the share of false discoveries over the whole map is controlled.
Failures come first in a bin, as everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.samples import Floats, sample_of, smallest_spread

Reading = Literal["helps", "hurts", "can't tell"]


class Bin(Record):
    """One bin: rates in [low, high), the map's last edge included, and batch sizes likewise.

    `gain` is over the blocks in which both trained, `fewer_failures` over all;
    both positive where the arm is better, absent without blocks.
    """

    judged_by: ClassVar = ("reading", "gain")

    rate_low: float
    rate_high: float
    batch_low: float
    batch_high: float
    blocks: Tally
    gain: Estimate | None
    fewer_failures: Estimate | None
    reading: Reading

    @property
    def label(self) -> str:
        """Its rates and batch sizes."""
        rates = f"rate {self.rate_low:.3g} to {self.rate_high:.3g}"
        return f"{rates}, batch {self.batch_low:.3g} to {self.batch_high:.3g}"


class BatchPoint(Record):
    """The gain at one batch size, over rates."""

    named_by: ClassVar = ("batch_size",)

    batch_size: int
    gain: Estimate


def map_of_where(
    rates: ArrayLike,
    batch_sizes: ArrayLike,
    gains: ArrayLike,
    failures: ArrayLike,
    *,
    seeds: ArrayLike,
    rate_edges: Sequence[float],
    batch_edges: Sequence[float],
    level: float,
    false_discoveries: float,
) -> tuple[Bin, ...]:
    """Read each bin of a map, batch by batch and rate by rate.

    Args:
        rates: Learning rate of each block, shape (blocks,).
        batch_sizes: Batch size of each block.
        gains: What the arm gains, positive is better; NaN where a run failed.
        failures: Treatment's failure minus control's: 1, 0 or -1.
        seeds: Cluster of each block.
        rate_edges: Increasing; bins are between neighbours.
        batch_edges: The same for batch sizes.
        level: Of the bins' intervals, each by itself.
        false_discoveries: Share expected among the bins that are told, such as 0.05.

    Raises:
        ValueError: Shapes differ, edges do not increase, or a block lies outside the map.
    """
    columns = [np.asarray(each, np.float64) for each in (rates, batch_sizes, gains, failures)]
    labels = np.asarray(seeds, np.int64)
    if any(each.shape != labels.shape for each in columns):
        raise ValueError("a map has one rate, batch size, gain and failure per block")
    row, across = _bins(columns[1], batch_edges), _bins(columns[0], rate_edges)
    found = []
    chances: list[float] = []
    for i, j in np.ndindex(len(batch_edges) - 1, len(rate_edges) - 1):
        own = (row == i) & (across == j)
        both = own & np.isfinite(columns[2])
        found.append((i, j, own, both))
        chances += [_chance(columns[2][both], labels[both]), _chance(columns[3][own], labels[own])]
    told = _told(np.array(chances, np.float64), false_discoveries)
    return tuple(
        Bin(
            rate_low=float(rate_edges[j]),
            rate_high=float(rate_edges[j + 1]),
            batch_low=float(batch_edges[i]),
            batch_high=float(batch_edges[i + 1]),
            blocks=int(own.sum()),
            gain=(gain := _estimate(columns[2][both], labels[both], level)),
            fewer_failures=(fewer := _estimate(-columns[3][own], labels[own], level)),
            reading=_reading(gain, told[2 * n], fewer, told[2 * n + 1]),
        )
        for n, (i, j, own, both) in enumerate(found)
    )


def curve_over_batch_size(
    batch_sizes: ArrayLike, gains: ArrayLike, *, seeds: ArrayLike, level: float
) -> tuple[BatchPoint, ...]:
    """Gain at each batch size, over the blocks in which both trained (finite gains)."""
    sizes, values = np.asarray(batch_sizes, np.int64), np.asarray(gains, np.float64)
    labels, finite = np.asarray(seeds, np.int64), np.isfinite(values)
    points = []
    for size in np.unique(sizes[finite]):
        own = finite & (sizes == size)
        gain = _estimate(values[own], labels[own], level)
        assert gain is not None
        points.append(BatchPoint(batch_size=int(size), gain=gain))
    return tuple(points)


def _bins(values: Floats, edges: Sequence[float]) -> NDArray[np.int64]:
    limits = np.asarray(edges, np.float64)
    if len(limits) < 2 or not bool(np.all(np.diff(limits) > 0)):
        raise ValueError("edges increase, and there are two at least")
    if len(values) and not (limits[0] <= values.min() and values.max() <= limits[-1]):
        raise ValueError(f"a block lies outside the map, {limits[0]:g} to {limits[-1]:g}")
    places = np.searchsorted(limits, values, side="right") - 1
    return np.minimum(places, len(limits) - 2)


def _told(chances: Floats, false_discoveries: float) -> NDArray[np.bool_]:
    """Which differences are told, of those that there are: where none is seen, none is tested."""
    told = np.zeros(len(chances), np.bool_)
    tested = np.isfinite(chances)
    if tested.any():
        adjusted = stats.false_discovery_control(chances[tested], method="bh")
        told[tested] = adjusted <= false_discoveries
    return told


def _chance(values: Floats, labels: NDArray[np.int64]) -> float:
    """Two-sided p value of no difference over clusters; by signs where they have no spread.

    NaN without a cluster that differs.
    """
    means = np.array([values[labels == seed].mean() for seed in np.unique(labels)], np.float64)
    if len(means) and float(np.ptp(means)) > smallest_spread(means):
        return float(stats.ttest_1samp(means, 0.0).pvalue)
    apart = means[means != 0]
    if not len(apart):
        return math.nan
    return float(stats.binomtest(int((apart > 0).sum()), len(apart)).pvalue)


def _estimate(values: Floats, labels: NDArray[np.int64], level: float) -> Estimate | None:
    return estimate(sample_of(values, seeds=labels), level=level)


def _reading(
    gain: Estimate | None, gain_told: bool, fewer: Estimate | None, fewer_told: bool
) -> Reading:
    for found, told in ((fewer, fewer_told), (gain, gain_told)):
        if told and found is not None and found.value is not None:
            return "helps" if found.value > 0 else "hurts"
    return "can't tell"
