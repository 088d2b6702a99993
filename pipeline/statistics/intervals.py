"""One estimate and one interval of a sample.

Claims are decided by `ranked_estimate`: the centre of the clusters' means with the limits of
signed ranks (`ranks.py`). `estimate` describes: a t interval on the means of seed clusters, since
bootstraps cover too little at 3 to 10 clusters. Where a value is only bounded, it is the ranked
one as well. Where clusters agree on a quantity that has a largest value (a share), it is as wide
as the clusters that would have disagreed unseen. Where they agree on a count, it is that count;
where they agree on anything else to the last digit, how far others lie is not known, and there are
no limits. One cluster has no interval.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import scipy
from pydantic import Field

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.statistics.ranks import fewest_clusters, ranked_centre, ranked_limits
from pipeline.statistics.samples import Sample, cluster_means, sample_of, spread_of

Level = Annotated[float, Field(gt=0.5, lt=1)]
Method = Literal["t", "ranks", "unseen", "count", "none"]
Reading = Literal["higher", "lower", "undecided"]


class Estimate(Record):
    """A value, and the interval [low, high] at a level; None is no limit on that side.

    `known` says whether `value` is the estimate or bounds it; it is absent where
    neither side is bounded. `spread` is the standard deviation of the clusters'
    means, absent with one cluster or with bounds. `method`: `t` on the means of
    clusters, `ranks` by signed ranks, `unseen` for clusters that agree on a share,
    `count` for those that agree on a count, `none` without an interval.
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
    lows, _ = cluster_means(sample)
    if sample.is_censored:
        return ranked_estimate(sample, level=level)
    value, clusters, spread = float(lows.mean()), len(lows), spread_of(lows)
    half = None
    if spread:
        half = t_quantile(clusters - 1, level=level) * spread / math.sqrt(clusters)
    found = around(
        value, half, level=level, spread=spread, clusters=clusters, blocks=len(sample.seeds)
    )
    return found if spread or clusters == 1 else _agreeing(found, sample)


def ranked_estimate(sample: Sample, *, level: float) -> Estimate | None:
    """Estimate an effect by signed ranks of the clusters; None where no block can be compared.

    Values between bounds give the least lower and the largest upper limit that they allow.
    """
    if not sample.seeds:
        return None
    lows, highs = cluster_means(sample)
    below, above = ranked_centre(lows, highs)
    known: Literal["exactly", "at least", "at most", "not at all"] = "not at all"
    value: float | None = None
    if math.isfinite(below) and math.isfinite(above):
        known, value = "exactly", (below + above) / 2
    elif math.isfinite(below):
        known, value = "at least", below
    elif math.isfinite(above):
        known, value = "at most", above
    spread = None if sample.is_censored else spread_of(lows)
    low, high = (float(end) for end in ranked_limits(lows, highs, level=level))
    found = Estimate(
        value=value,
        known=known,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        level=level,
        spread=spread,
        clusters=len(lows),
        blocks=len(sample.seeds),
        method="ranks" if len(lows) > 1 else "none",
    )
    return _agreeing(found, sample) if spread == 0 or low == high else found


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
    return float(scipy.stats.t.ppf((1 + level) / 2, freedom))


def spread_limits(spread: float, freedom: int, *, level: float) -> tuple[float, float]:
    """Limits of a normal spread that was estimated with so many degrees of freedom."""
    most, least = scipy.stats.chi2.ppf([(1 - level) / 2, (1 + level) / 2], freedom)
    return spread * math.sqrt(freedom / least), spread * math.sqrt(freedom / most)


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


def _agreeing(found: Estimate, sample: Sample) -> Estimate:
    """Return the estimate of clusters that agree to the last digit."""
    value = found.value
    assert value is not None
    if sample.bound is not None:
        # With this share of other clusters, none of so many is seen half of 1 - level times
        unseen = 1 - ((1 - found.level) / 2) ** (1 / found.clusters)
        ends = value - unseen * (value + sample.bound), value + unseen * (sample.bound - value)
        return found.model_copy(update={"low": ends[0], "high": ends[1], "method": "unseen"})
    known = sample.is_count and found.clusters >= fewest_clusters(found.level)
    end = value if known else None
    method = "count" if known else "none"
    return found.model_copy(update={"low": end, "high": end, "method": method})
