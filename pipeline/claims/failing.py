"""Failures come first, seed by seed, and are never averaged with scores.

A seed in which the treatment failed more often than the control is worse for it than any seed in
which both trained; one in which it failed less often is better; where they failed equally often,
the runs that trained decide, and without any it is a tie. Seeds then have an order, which is all
that signed ranks ask for. The share of failures is judged and printed beside; it decides nothing.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.claims.rules import Direction, Equivalence, IntervalRule, Rule
from pipeline.statistics.ranks import ranked_limits
from pipeline.statistics.samples import Floats, Sample, cluster_means


def failure_rule(rule: Rule, margin: float, *, paired: bool) -> IntervalRule:
    """Return what the difference in the share of failures is judged by.

    A direction claimed of two arms is claimed of their failures too; else there
    should be none to speak of.
    """
    if isinstance(rule, Direction) and paired:
        return Direction(kind="direction", margin=margin)
    return Equivalence(kind="equivalence", margin=margin)


def outcomes(sample: Sample, *, paired: bool) -> tuple[Floats, Floats]:
    """Least and largest value of each seed, shape (seeds,) each; infinite where one side failed.

    Args:
        sample: Values of the blocks that trained, and the differences in failures of all.
        paired: Two arms are compared. A failed run of one arm by itself has no figure: its seed
            may stand on either side.
    """
    lows, highs = cluster_means(sample)
    if sample.failures is None:
        return lows, highs
    known = dict(zip(np.unique(sample.seeds).tolist(), zip(lows, highs, strict=True), strict=True))
    more, _ = cluster_means(sample.failures)
    failed = dict(zip(np.unique(sample.failures.seeds).tolist(), more.tolist(), strict=True))
    ends = [
        _failed(failed[seed], paired=paired) if failed.get(seed) else known.get(seed, (0.0, 0.0))
        for seed in sorted({*known, *failed})
    ]
    below, above = np.array(ends, np.float64).T
    return below, above


def deciding_limits(sample: Sample, *, paired: bool, level: float) -> tuple[float, float] | None:
    """Limits of the effect over all seeds, those with failures ranked.

    None where nothing can be told: no run trained on both sides, and they failed alike.
    """
    lows, highs = outcomes(sample, paired=paired)
    if not sample.seeds and not np.isinf(lows).any():
        return None
    low, high = ranked_limits(lows, highs, level=level)
    return float(low), float(high)


def _failed(more: float, *, paired: bool) -> tuple[float, float]:
    if not paired:
        return -math.inf, math.inf
    return (math.copysign(math.inf, more),) * 2
