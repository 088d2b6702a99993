"""One estimate and one interval of a sample.

The interval is a t interval on the means of seed clusters: bootstraps cover too
little at 3 to 10 clusters. Three cases have no such interval. Where a value is
only bounded, and where all clusters agree to the last digit, the interval is the
distribution-free one of the median between two order statistics. Where clusters
agree on a quantity that has a largest value (a share), it is as wide as the
clusters that would have disagreed unseen. One cluster has no interval.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy import stats

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.statistics.samples import Floats, Sample, cluster_means, sample_of, spread_of

Level = Annotated[float, Field(gt=0.5, lt=1)]
Method = Literal["t", "median", "unseen", "none"]
Reading = Literal["higher", "lower", "undecided"]


class Estimate(Record):
    """A value, and the interval [low, high] at a level; None is no limit on that side.

    `known` says whether `value` is the estimate or bounds it; it is absent where
    neither side is bounded. `spread` is the standard deviation of the clusters'
    means, absent with one cluster or with bounds. `method`: `t` on the means of
    clusters, `median` by order statistics, `unseen` for clusters that agree on a
    share, `none` for one cluster.
    """

    value: float | None
    known: Literal["exactly", "at least", "at most", "not at all"]
    low: float | None
    high: float | None
    level: Level
    spread: Annotated[float, Field(ge=0)] | None
    clusters: Count
    blocks: Count
    method: Method

    @property
    def limits(self) -> tuple[float, float]:
        """The interval with infinities for missing limits."""
        return (
            -math.inf if self.low is None else self.low,
            math.inf if self.high is None else self.high,
        )

    @property
    def reading(self) -> Reading:
        """Which side of zero the interval lies on; `undecided` where it reaches both."""
        low, high = self.limits
        return "higher" if low > 0 else "lower" if high < 0 else "undecided"


def estimate(sample: Sample, *, level: float) -> Estimate | None:
    """Estimate an effect; None where no block can be compared."""
    if not sample.seeds:
        return None
    lows, highs = cluster_means(sample)
    if sample.is_censored:
        return _of_bounds(lows, highs, sample, level)
    value, clusters, spread = float(lows.mean()), len(lows), spread_of(lows)
    half = None
    if spread:
        half = t_quantile(clusters - 1, level=level) * spread / math.sqrt(clusters)
    found = around(
        value, half, level=level, spread=spread, clusters=clusters, blocks=len(sample.seeds)
    )
    if half is not None or clusters == 1:
        return found
    low, high = _agreeing(value, clusters, sample.bound, level)
    method = "median" if sample.bound is None else "unseen"
    return found.model_copy(update={"low": low, "high": high, "method": method})


def points_estimate(sample: Sample, *, level: float) -> Estimate | None:
    """Estimate the same effect in hundredths of a score; None where the sample does not have it."""
    if sample.points is None:
        return None
    return estimate(sample_of(sample.points, seeds=sample.seeds), level=level)


def around(
    value: float,
    half: float | None,
    *,
    level: float,
    spread: float | None,
    clusters: int,
    blocks: int,
) -> Estimate:
    """Return a value with `half` to either side; without an interval where that is zero or None."""
    return Estimate(
        value=value,
        known="exactly",
        low=value - half if half else None,
        high=value + half if half else None,
        level=level,
        spread=spread,
        clusters=clusters,
        blocks=blocks,
        method="t" if half else "none",
    )


def t_quantile(freedom: int, *, level: float) -> float:
    """Standard errors to either side of a mean, for so many degrees of freedom."""
    return float(stats.t.ppf((1 + level) / 2, freedom))


def median_limits(lows: Floats, highs: Floats, *, level: float) -> tuple[float, float]:
    """Limits of the median of one value per cluster, by order statistics, however distributed.

    The k-th smallest low and the k-th largest high bound, with the largest k for
    which a fair coin shows fewer than k heads with a probability of at most half
    of 1 - level; infinite where no k is large enough (95%: fewer than 6 clusters).
    """
    count = len(lows)
    k = int(stats.binom.ppf((1 - level) / 2, count, 0.5))
    if k < 1:
        return -math.inf, math.inf
    return float(np.sort(lows)[k - 1]), float(np.sort(highs)[count - k])


def sum_of(first: Estimate, second: Estimate) -> Estimate:
    """Sum of two independent effects, such as the logs of steps and of a step's cost.

    The limits are recovered from the two intervals (Zou and Donner, 2008): each
    side's distances add like independent errors, and no normal law is assumed.

    Raises:
        ValueError: The levels differ.
    """
    if first.level != second.level:
        raise ValueError(f"intervals at {first.level:g} and {second.level:g} have no common sum")
    both = (first, second)
    known = {each.known for each in both} - {"exactly"}
    value = None
    if len(known) <= 1 and first.value is not None and second.value is not None:
        value = first.value + second.value

    def limit(side: Literal["low", "high"]) -> float | None:
        away = 0.0
        for each in both:
            end = getattr(each, side)
            if end is None or each.value is None or value is None:
                return None
            away += (end - each.value) ** 2
        assert value is not None
        return value - math.sqrt(away) if side == "low" else value + math.sqrt(away)

    return Estimate(
        value=value,
        known="not at all" if value is None else (known.pop() if known else "exactly"),
        low=limit("low"),
        high=limit("high"),
        level=first.level,
        spread=None,
        clusters=min(each.clusters for each in both),
        blocks=min(each.blocks for each in both),
        method=first.method,
    )


def negated(found: Estimate) -> Estimate:
    """Return the estimate of the opposite effect."""
    turned = {"at least": "at most", "at most": "at least"}
    return found.model_copy(
        update={
            "value": None if found.value is None else -found.value,
            "known": turned.get(found.known, found.known),
            "low": None if found.high is None else -found.high,
            "high": None if found.low is None else -found.low,
        }
    )


def scaled(found: Estimate, times: float) -> Estimate:
    """Return the estimate in a smaller unit, such as hundredths."""
    ends = {name: getattr(found, name) for name in ("value", "low", "high", "spread")}
    return found.model_copy(
        update={name: None if end is None else times * end for name, end in ends.items()}
    )


def _agreeing(
    value: float, clusters: int, bound: float | None, level: float
) -> tuple[float | None, float | None]:
    if bound is None:
        return _optional(*median_limits(*(np.full(clusters, value),) * 2, level=level))
    # With at least this share of other clusters, none among so many is seen half of 1 - level times
    unseen = 1 - ((1 - level) / 2) ** (1 / clusters)
    return value - unseen * (value + bound), value + unseen * (bound - value)


def _of_bounds(lows: Floats, highs: Floats, sample: Sample, level: float) -> Estimate:
    below, above = float(_median(lows)), float(_median(highs))
    known: Literal["exactly", "at least", "at most", "not at all"] = "not at all"
    value: float | None = None
    if math.isfinite(below) and math.isfinite(above):
        known, value = "exactly", (below + above) / 2
    elif math.isfinite(below):
        known, value = "at least", below
    elif math.isfinite(above):
        known, value = "at most", above
    low, high = _optional(*median_limits(lows, highs, level=level))
    return Estimate(
        value=value,
        known=known,
        low=low,
        high=high,
        level=level,
        spread=None,
        clusters=len(lows),
        blocks=len(sample.seeds),
        method="median" if len(lows) > 1 else "none",
    )


def _median(values: Floats) -> float:
    """Median in which two infinities of one sign have a mean."""
    ordered = np.sort(values)
    first, second = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(first if first == second else (first + second) / 2)


def _optional(low: float, high: float) -> tuple[float | None, float | None]:
    return (
        low if math.isfinite(low) else None,
        high if math.isfinite(high) else None,
    )
