"""How many clusters would settle an inconclusive claim, and how sure that number is."""

from __future__ import annotations

import math
from typing import NamedTuple

from pipeline.claims.rules import IntervalRule, boundaries
from pipeline.statistics.intervals import Estimate, spread_limits, t_quantile
from pipeline.statistics.ranks import fewest_clusters

STANDARD = 0.6827  # the level of one standard error to either side
MOST_CLUSTERS = 1_000_000  # beyond it, the answer is that no number would


class Settling(NamedTuple):
    """Clusters that would settle a claim: as things look, at best and at worst.

    `most` is absent where the true effect may lie on a boundary.
    """

    likely: int
    fewest: int
    most: int | None

    @property
    def range(self) -> tuple[int, int | None]:
        """From the fewest to the most."""
        return self.fewest, self.most


def settling(rule: IntervalRule, estimate: Estimate, *, minimum: int) -> Settling | None:
    """Fewest clusters whose half-width is the distance from the nearest boundary.

    A projection: it takes today's value and spread to be the true ones. At best the spread is
    smaller and the effect further from the boundary by a standard error each, at worst larger
    and nearer (the spread's by its law of chi squares).

    Returns:
        At least `minimum`, and as many as have an interval at all. None without a value, a spread
        or an interval, on a boundary, or above a million.
    """
    if estimate.value is None or estimate.spread is None:
        return None
    distance = min(abs(estimate.value - boundary) for boundary in boundaries(rule))
    if estimate.method == "unseen":
        agreeing = _agreeing(estimate, distance, max(2, minimum))
        return None if agreeing is None else Settling(agreeing, agreeing, agreeing)
    fewest = max(2, minimum, fewest_clusters(estimate.level))
    if not estimate.spread:  # all agree: as many as have limits
        return Settling(fewest, fewest, None) if estimate.clusters < fewest else None
    likely = _clusters(estimate.spread, distance, estimate.level, fewest)
    if likely is None:
        return None
    error = estimate.spread / math.sqrt(estimate.clusters)
    small, large = spread_limits(estimate.spread, estimate.clusters - 1, level=STANDARD)
    best = _clusters(small, distance + error, estimate.level, fewest)
    worst = _clusters(large, distance - error, estimate.level, fewest)
    return Settling(likely, likely if best is None else best, worst)


def _clusters(spread: float, distance: float, level: float, fewest: int) -> int | None:
    def fits(clusters: int) -> bool:
        return t_quantile(clusters - 1, level=level) * spread / math.sqrt(clusters) <= distance

    if not fits(MOST_CLUSTERS):
        return None
    most = fewest
    while not fits(most):
        fewest, most = most + 1, min(2 * most, MOST_CLUSTERS)
    while fewest < most:
        middle = (fewest + most) // 2
        if fits(middle):
            most = middle
        else:
            fewest = middle + 1
    return most


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
