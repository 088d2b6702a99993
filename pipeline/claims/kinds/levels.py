"""How high a curve stands at its end: by its last evaluations, as each alone is luck."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from pipeline.arguments import Count
from pipeline.claims.kind import Curve, points, reads
from pipeline.statistics.pairs import CONTROL, failure_sample, pair
from pipeline.statistics.runs import sequence
from pipeline.statistics.samples import Sample, sample_of

ENDING = "_curve"


@reads(points(times=1.0))
def late_difference(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    curve: Curve,
    last: Count,
) -> Sample:
    """Hundredths by which treatment's mean over the last evaluations is above control's.

    Of a run that ended early, diverged or pruned, the evaluations that it has not are what it
    scores at its end; so nothing is set aside. Failures are counted beside.

    Args:
        treatment: Rows of one arm.
        control: Rows of the other.
        block: What a pair shares; `seed` among them.
        curve: Of a score, such as `validation_score_curve`.
        last: How many evaluations, from the last one backwards.
    """
    pairs = pair(treatment, control, block=block)
    apart = [
        100 * (level(row, curve, last, "") - level(row, curve, last, CONTROL))
        for row in pairs.to_dict("records")
    ]
    return sample_of(apart, seeds=pairs["seed"], failures=failure_sample(pairs))


def level(row: Mapping[Hashable, Any], curve: str, last: int, side: str) -> float:
    """Return the mean of a run's last evaluations, of as many as its trial asked for at most."""
    end = float(row[f"{curve.removesuffix(ENDING)}{side}"])
    seen = sequence(row[f"{curve}{side}"])
    missing = (end,) * (len(row[f"steps{side}"]) - len(seen))
    values = (*(end if value is None else value for value in seen), *missing)
    return fmean(values[-last:])
