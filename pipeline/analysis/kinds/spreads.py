"""How erratic an arm is: from epoch to epoch within a run, and from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.analysis.pairs import CONTROL, column, failure_sample, pair, trained
from pipeline.analysis.samples import Floats, Sample, sample_of

Curve = Sequence[float | None]


def epoch_spread_ratio(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    curve: str,
    skip: int,
    examples: str,
) -> Sample:
    """Log ratio of the detrended spread from epoch to epoch, treatment's over control's.

    Args:
        treatment: Rows of one arm.
        control: Rows of the other.
        block: What a pair shares.
        curve: Column of the accuracies.
        skip: First evaluations that are left out: the climb.
        examples: Column with the examples behind each accuracy.
    """
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    spreads = [
        [
            math.log(epoch_spread(values[skip:], examples=int(count)))
            for values, count in zip(both[curve + side], both[examples + side], strict=True)
        ]
        for side in ("", CONTROL)
    ]
    return sample_of(
        np.array(spreads[0]) - np.array(spreads[1]),
        seeds=both["seed"],
        present=len(pairs),
        failures=failure_sample(pairs),
    )


def epoch_spread(accuracies: Curve, *, examples: int) -> float:
    """Standard deviation of an accuracy around its local trend, never zero.

    From second differences, which no straight trend moves and which have six
    times the variance of independent noise. The rounding of an accuracy to whole
    examples adds its variance, 1 / (12 examples squared), so that a curve that
    stands still has a logarithm too.

    Raises:
        ValueError: Fewer than three values, or one that is not finite.
    """
    if len(accuracies) < 3 or None in accuracies:
        raise ValueError("a spread around a trend needs three finite values at least")
    second = np.diff(np.array(accuracies, np.float64), n=2)
    return math.sqrt(float(np.mean(second**2)) / 6 + 1 / (12 * examples**2))


def seed_spread_ratio(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], metric: str
) -> Sample:
    """Log ratio of the spreads over seeds, as jackknife pseudo-values, one per seed.

    Their mean is the jackknife's estimate, their spread its standard error.

    Raises:
        ValueError: An arm has no spread over seeds, or a seed has two blocks.
    """
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    ours, theirs = column(both, metric), column(both, metric + CONTROL)
    count = len(both)
    if not both["seed"].is_unique:
        raise ValueError("a spread over seeds is of one block per seed")
    if count < 3:  # leaving one out leaves no spread
        values: list[float] = []
    else:
        whole = _log_ratio_of_spreads(ours, theirs)
        values = [
            count * whole
            - (count - 1) * _log_ratio_of_spreads(np.delete(ours, i), np.delete(theirs, i))
            for i in range(count)
        ]
    seeds = both["seed"].to_numpy()[: len(values)]
    return sample_of(values, seeds=seeds, present=len(pairs), failures=failure_sample(pairs))


def _log_ratio_of_spreads(ours: Floats, theirs: Floats) -> float:
    spreads = float(ours.std(ddof=1)), float(theirs.std(ddof=1))
    if min(spreads) == 0:
        raise ValueError("an arm has no spread over seeds, so that its logarithm does not exist")
    return math.log(spreads[0] / spreads[1])
