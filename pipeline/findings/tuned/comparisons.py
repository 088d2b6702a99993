"""Each arm against the plain one, seed by seed, with moving and with recalibrated statistics."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.content import Record
from pipeline.statistics.effects import (
    Effect,
    Ratio,
    Reading,
    exponential,
    log_errors,
    paired_effect,
)
from pipeline.statistics.failures import FailureDifference, failed_runs, failure_difference

MOVING, RECALIBRATED = "test_score", "test_score_recalibrated"


class Contrast(Record):
    """Difference in test accuracy, in points (hundredths), and as a ratio of error rates."""

    judged_by: ClassVar = ("reading", "points")

    points: Effect
    log_error_ratio: Effect
    error_ratio: Ratio
    reading: Reading

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say."""
        return ("error_ratio",)


class Comparison(Record):
    """One study against the reference arm of its cell.

    `missing_seeds` are planned seeds for which one of the two has no run. The
    contrasts are over seeds where both trained (`trained_blocks` of `blocks`)
    and absent where there are none; `recalibrated` is absent for an arm without
    batch statistics. `failures` is there when any of the runs failed.
    """

    reference: str
    blocks: Annotated[int, Field(ge=0)]
    trained_blocks: Annotated[int, Field(ge=0)]
    missing_seeds: tuple[int, ...]
    moving: Contrast | None
    recalibrated: Contrast | None
    failures: FailureDifference | None

    @property
    def disagrees(self) -> bool:
        """Moving and recalibrated statistics give different readings."""
        if self.moving is None or self.recalibrated is None:
            return False
        return self.moving.reading != self.recalibrated.reading


def compare(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    reference: str,
    planned_seeds: tuple[int, ...],
    examples: int,
    level: float,
) -> Comparison:
    """Compare the confirmed runs of two studies of one cell, paired by seed.

    Args:
        treatment: The arm's rows of the answers' table.
        control: The reference arm's rows.
        reference: Name of the reference arm's study.
        planned_seeds: What the plan asks both for.
        examples: How many test examples the accuracies are shares of.
        level: Of the intervals, between 0 and 1.

    Raises:
        ValueError: A seed stands twice in one study.
    """
    arm, plain = _by_seed(treatment), _by_seed(control).add_suffix("_control")
    pairs = arm.join(plain, how="inner").sort_index()
    trained = pairs[~pairs["failed"] & ~pairs["failed_control"]]
    failures = None
    if len(pairs) > len(trained):
        failures = failure_difference(
            pairs["failed"], pairs["failed_control"], seeds=pairs.index, level=level
        )
    plain_recalibrated = trained[f"{RECALIBRATED}_control"].fillna(trained[f"{MOVING}_control"])
    return Comparison(
        reference=reference,
        blocks=len(pairs),
        trained_blocks=len(trained),
        missing_seeds=tuple(sorted(set(planned_seeds) - set(pairs.index.tolist()))),
        moving=_contrast(trained[MOVING], trained[f"{MOVING}_control"], examples, level),
        recalibrated=_contrast(trained[RECALIBRATED], plain_recalibrated, examples, level),
        failures=failures,
    )


def _by_seed(runs: pd.DataFrame) -> pd.DataFrame:
    if not runs["seed"].is_unique:
        raise ValueError(f"{runs['study'].iloc[0]}: a seed is confirmed twice")
    columns = runs[["seed", MOVING, RECALIBRATED]].assign(failed=failed_runs(runs))
    return columns.set_index("seed")


def _contrast(
    treatment: pd.Series[float], control: pd.Series[float], examples: int, level: float
) -> Contrast | None:
    if treatment.isna().all():  # no blocks, or no statistics to recalibrate
        return None
    arm, plain = treatment.to_numpy(np.float64), control.to_numpy(np.float64)
    seeds = treatment.index.to_numpy()
    points = paired_effect(100 * arm, 100 * plain, seeds=seeds, level=level)
    errors = paired_effect(
        log_errors(arm, examples=examples),
        log_errors(plain, examples=examples),
        seeds=seeds,
        level=level,
    )
    return Contrast(
        points=points,
        log_error_ratio=errors,
        error_ratio=exponential(errors),
        reading=points.reading,
    )
