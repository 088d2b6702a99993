"""How long a run takes to a target, in steps; whoever does not get there is a bound.

The column `steps` says after which step each value of a curve was taken; a value
that was not finite is None, and a curve that ends early is shorter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from pipeline.claims.kind import Curve, ratio, reads
from pipeline.statistics.pairs import CONTROL, pair
from pipeline.statistics.runs import sequence
from pipeline.statistics.samples import Sample, bounded_sample


@reads(ratio("steps", "fewer", "more"))
def time_to_target(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    curve: Curve,
    target: float,
) -> Sample:
    """Log of treatment's steps to a target over control's, between bounds.

    A run gets there after the last evaluation that does not see it and by the first that
    does; one that never does needs more than all its steps.
    """
    pairs = pair(treatment, control, block=block)
    lows: list[float] = []
    highs: list[float] = []
    missed = {"treatment": 0, "control": 0}
    for row in pairs.to_dict("records"):
        ends = []
        for side, suffix in (("treatment", ""), ("control", CONTROL)):
            steps = row["steps" + suffix]
            reached = steps_to_target(steps, sequence(row[curve + suffix]), target=target)
            missed[side] += reached is None
            ends.append(_log_bounds(steps, reached))
        (ours_low, ours_high), (theirs_low, theirs_high) = ends
        lows.append(ours_low - theirs_high)
        highs.append(ours_high - theirs_low)
    notes = tuple(
        f"{count} of {len(pairs)}: {side} does not reach {target:g} within its steps"
        for side, count in missed.items()
        if count
    )
    return bounded_sample(lows, highs, seeds=pairs["seed"], notes=notes)


def _log_bounds(steps: Sequence[int], reached: int | None) -> tuple[float, float]:
    if reached is None:
        return math.log(steps[-1]), math.inf
    earlier = [step for step in steps if step < reached]
    return math.log(earlier[-1] if earlier else 1), math.log(reached)


def steps_to_target(
    steps: Sequence[int], scores: Sequence[float | None], *, target: float
) -> int | None:
    """First of two evaluations in a row that reach the target; None where there are none.

    One hit may be luck: 1,000 examples leave 0.8 points of noise.
    """
    hits = [value is not None and value >= target for value in scores]
    for place in range(len(hits) - 1):
        if hits[place] and hits[place + 1]:
            return int(steps[place])
    return None
