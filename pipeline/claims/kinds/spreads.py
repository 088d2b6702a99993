"""How erratic an arm is: from epoch to epoch within a run, and from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.claims.kind import Curve, Figure, ratio, reads
from pipeline.statistics.pairs import CONTROL, column, failure_sample, pair, trained
from pipeline.statistics.runs import sequence
from pipeline.statistics.samples import Floats, Sample, sample_of

Scores = Sequence[float | None]
FEWEST = 3  # values with a second difference
SIDES = ("", CONTROL)


@reads(ratio("spread", "less", "more"))
def epoch_spread_ratio(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    curve: Curve,
    skip: int,
    examples: Figure,
) -> Sample:
    """Log ratio of the detrended spread from epoch to epoch, treatment's over control's.

    Args:
        treatment: Rows of one arm.
        control: Rows of the other.
        block: What a pair shares.
        curve: Column of the scores.
        skip: First evaluations that are left out: the climb.
        examples: Column with the examples behind each score.
    """
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    tails = {side: [sequence(each)[skip:] for each in both[curve + side]] for side in SIDES}
    long = np.array(
        [_has_spread(a) and _has_spread(b) for a, b in zip(*tails.values(), strict=True)]
    )
    spreads = [
        [
            math.log(epoch_spread(values, examples=int(count)))
            for values, count, known in zip(tails[side], both[examples + side], long, strict=True)
            if known
        ]
        for side in SIDES
    ]
    short = int((~long).sum()) if len(long) else 0
    return sample_of(
        np.array(spreads[0]) - np.array(spreads[1]),
        seeds=both["seed"].to_numpy()[long] if len(long) else [],
        present=len(pairs),
        failures=failure_sample(pairs),
        notes=(f"{short} of {len(both)} blocks have a curve too short for a spread",) * bool(short),
    )


def _has_spread(scores: Scores) -> bool:
    return len(scores) >= FEWEST and None not in scores


def epoch_spread(scores: Scores, *, examples: int) -> float:
    """Standard deviation of a score around its local trend, never zero.

    From second differences, which no straight trend moves and which have six
    times the variance of independent noise. The rounding of a score to whole
    examples adds its variance, 1 / (12 examples squared), so that a curve that
    stands still has a logarithm too.

    Raises:
        ValueError: Fewer than three values, or one that is not finite.
    """
    if not _has_spread(scores):
        raise ValueError("a spread around a trend needs three finite values at least")
    second = np.diff(np.array(scores, np.float64), n=2)
    return math.sqrt(float(np.mean(second**2)) / 6 + 1 / (12 * examples**2))


@reads(ratio("spread", "less", "more"))
def seed_spread_ratio(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], metric: Figure
) -> Sample:
    """Log ratio of the spreads over seeds, as jackknife pseudo-values, one per seed.

    Their mean is the jackknife's estimate, their spread its standard error. There is
    none where an arm has no spread: its logarithm does not exist.

    Raises:
        ValueError: A seed has two blocks.
    """
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    ours, theirs = column(both, metric), column(both, metric + CONTROL)
    count = len(both)
    if not both["seed"].is_unique:
        raise ValueError("a spread over seeds is of one block per seed")
    values: list[float] = []
    notes: tuple[str, ...] = ()
    if count >= FEWEST:  # leaving one out leaves a spread
        whole = _log_ratio_of_spreads(ours, theirs)
        without = [
            _log_ratio_of_spreads(np.delete(ours, i), np.delete(theirs, i)) for i in range(count)
        ]
        values = [count * whole - (count - 1) * each for each in without]
        if not all(map(math.isfinite, values)):
            values, notes = [], ("an arm has no spread over seeds, or owes it to one of them",)
    return sample_of(
        values,
        seeds=both["seed"].to_numpy()[: len(values)],
        present=len(pairs),
        failures=failure_sample(pairs),
        notes=notes,
    )


def _log_ratio_of_spreads(ours: Floats, theirs: Floats) -> float:
    spreads = float(ours.std(ddof=1)), float(theirs.std(ddof=1))
    return math.log(spreads[0] / spreads[1]) if min(spreads) > 1e-12 else math.nan
