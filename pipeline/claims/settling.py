"""How many clusters would settle an inconclusive claim."""

from __future__ import annotations

import math

from pipeline.claims.rules import IntervalRule, boundaries
from pipeline.statistics.intervals import Estimate, t_quantile

MOST_CLUSTERS = 1_000_000  # beyond it, the answer is that no number would


def clusters_to_settle(rule: IntervalRule, estimate: Estimate, *, minimum: int) -> int | None:
    """Fewest clusters whose half-width is the distance from the nearest boundary.

    A projection: it takes today's value and spread to be the true ones.

    Returns:
        At least `minimum` and two. None without a spread, on a boundary, or above a million.
    """
    if estimate.value is None or estimate.spread is None:
        return None
    distance = min(abs(estimate.value - boundary) for boundary in boundaries(rule))
    fewest = max(2, minimum)
    if estimate.method == "median":  # all agree: as many as bound a median
        return max(fewest, math.ceil(1 - math.log2(1 - estimate.level)))
    if estimate.method == "unseen":
        return _agreeing(estimate, distance, fewest)
    if _half_width(estimate, MOST_CLUSTERS) > distance:
        return None
    most = fewest
    while _half_width(estimate, most) > distance:
        fewest, most = most + 1, min(2 * most, MOST_CLUSTERS)
    while fewest < most:
        middle = (fewest + most) // 2
        if _half_width(estimate, middle) <= distance:
            most = middle
        else:
            fewest = middle + 1
    return most


def _half_width(estimate: Estimate, clusters: int) -> float:
    assert estimate.spread is not None
    return t_quantile(clusters - 1, level=estimate.level) * estimate.spread / math.sqrt(clusters)


def _agreeing(estimate: Estimate, distance: float, fewest: int) -> int | None:
    """Clusters among which so few others would go unseen that the limit stays on its side."""
    low, high = estimate.limits
    assert estimate.value is not None
    reach = max(estimate.value - low, high - estimate.value)
    rare = math.log((1 - estimate.level) / 2)
    unseen = -math.expm1(rare / estimate.clusters) * distance / reach
    if unseen <= 0:
        return None
    return fewest if unseen >= 1 else max(fewest, math.ceil(rare / math.log1p(-unseen)))
