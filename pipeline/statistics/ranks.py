"""The interval that decides: Hodges and Lehmann's, from Wilcoxon's signed ranks.

The limits are order statistics of the averages of all pairs of clusters (Walsh averages), the
place counted by the exact law of the signed ranks (Hollander, Wolfe and Chicken, Nonparametric
Statistical Methods, 2014, section 3.3). No average falls when a cluster's value rises, so that no
limit does: worse runs never look like better evidence. A value may be an interval or infinite (a
failed run is worse than any number): the lower limit takes what is least, the upper what is most.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

from pipeline.statistics.samples import Floats

EXACT_CLUSTERS = 60  # beyond it the normal law of the ranks' sum is right to the fourth digit


def ranked_limits(lows: Floats, highs: Floats, *, level: float) -> tuple[Floats, Floats]:
    """Limits of the centre of one value per cluster.

    Args:
        lows: Least value of each cluster, the last axis; -inf where nothing bounds it.
        highs: Largest value, of the same shape.
        level: Of the interval, met or exceeded: a law of few clusters has steps. 95% asks for 6
            clusters, 99% for 8; with fewer the limits are infinite.

    Returns:
        Lower and upper limits, shape (...,).
    """
    place = _place(lows.shape[-1], level)
    if place < 1:
        infinite = np.full(lows.shape[:-1], math.inf)
        return -infinite, infinite
    below, above = _averages(lows, -math.inf), _averages(highs, math.inf)
    return (
        np.partition(below, place - 1, axis=-1)[..., place - 1],
        np.partition(above, -place, axis=-1)[..., -place],
    )


def ranked_centre(lows: Floats, highs: Floats) -> tuple[float, float]:
    """Least and largest centre (median of all averages of two clusters) that the bounds allow."""
    below, above = np.sort(_averages(lows, -math.inf)), np.sort(_averages(highs, math.inf))
    return _middle(below), _middle(above)


def fewest_clusters(level: float) -> int:
    """Clusters from which on this interval has limits: all on one side is rarer than the level."""
    return math.ceil(1 - math.log2(1 - level) - 1e-9)


def _averages(values: Floats, unknown: float) -> Floats:
    """Average of each pair of clusters and of each with itself; of both infinities, `unknown`."""
    first, second = np.triu_indices(values.shape[-1])
    with np.errstate(invalid="ignore"):
        averages = (values[..., first] + values[..., second]) / 2
    return np.where(np.isnan(averages), unknown, averages)


@lru_cache(maxsize=256)
def _place(clusters: int, level: float) -> int:
    """Largest k for which the ranks' sum is under k in at most half of 1 - level of all draws."""
    rare = (1 - level) / 2
    if clusters > EXACT_CLUSTERS:
        sums = clusters * (clusters + 1)
        spread = math.sqrt(sums * (2 * clusters + 1) / 24)
        return int(sums / 4 - 0.5 + scipy.stats.norm.ppf(rare) * spread)
    law = np.ones(1)
    for rank in range(1, clusters + 1):
        law = np.convolve(law, [0.5, *[0.0] * (rank - 1), 0.5])
    return int(np.searchsorted(np.cumsum(law), rare * (1 + 1e-12), side="right"))


def _middle(ordered: Floats) -> float:
    """Median in which two infinities of one sign have a mean."""
    first, second = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(first if first == second else (first + second) / 2)
