"""Failures: which runs did not train, and how often an arm fails where plain does not.

A run fails when its loss is not finite, or when its validation accuracy ends
under half of the median, over the runs of its study, of the best accuracy that
each run reached. Failures are counted beside accuracies, never averaged in.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import stats

from pipeline.content import Record
from pipeline.statistics.effects import Effect, paired_effect

Tally = Annotated[int, Field(ge=0)]


class Failures(Record):
    """How many of a study's runs failed, and how; `share` is absent without runs."""

    runs: Tally
    failed: Tally
    diverged: Tally
    share: float | None


class FailureDifference(Record):
    """Share of failures, treatment minus control in points, and McNemar's exact p value beside it.

    The p value describes; it decides nothing.
    """

    points: Effect
    mcnemar: float


def failed_runs(runs: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which runs of ONE study failed, shape (runs,)."""
    accuracy = runs["validation_score"].to_numpy(dtype=np.float64)
    diverged = runs["diverged"].to_numpy(dtype=np.bool_)
    if not len(accuracy):
        return diverged
    typical_best = float(np.median(runs["best_validation_score"].to_numpy(dtype=np.float64)))
    failed: NDArray[np.bool_] = diverged | (accuracy < typical_best / 2)
    return failed


def count_failures(runs: pd.DataFrame) -> Failures:
    """Count the failures of one study's runs."""
    failed = int(failed_runs(runs).sum())
    return Failures(
        runs=len(runs),
        failed=failed,
        diverged=int(runs["diverged"].sum()),
        share=failed / len(runs) if len(runs) else None,
    )


def failure_difference(
    treatment: ArrayLike, control: ArrayLike, *, seeds: ArrayLike, level: float
) -> FailureDifference:
    """Compare the failures of paired runs.

    Args:
        treatment: True where the run failed, shape (blocks,).
        control: The same for the reference, in the same block order.
        seeds: Cluster label of each block, shape (blocks,).
        level: Of the interval, between 0 and 1.

    Raises:
        ValueError: Shapes differ, or nothing is given.
    """
    treated = np.asarray(treatment, dtype=np.bool_)
    plain = np.asarray(control, dtype=np.bool_)
    points = paired_effect(100.0 * treated, 100.0 * plain, seeds=seeds, level=level)
    only_treated, only_plain = int((treated & ~plain).sum()), int((plain & ~treated).sum())
    discordant = only_treated + only_plain
    exact = float(stats.binomtest(only_treated, discordant).pvalue) if discordant else 1.0
    return FailureDifference(points=points, mcnemar=exact)
