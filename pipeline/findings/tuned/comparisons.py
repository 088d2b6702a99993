"""Each tuned arm against the plain one, by seed: the block and the effect that claims have, too."""

from __future__ import annotations

from typing import ClassVar, Literal

import pandas as pd

from pipeline.arguments import Tally
from pipeline.claims.kinds.errors import log_error_ratio
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate, Reading, estimate, points_estimate

METRIC = "test_error"


class Comparison(Record):
    """One study against the reference arm of its cell, by one kind of statistics.

    `points` is the difference in test scores in hundredths, `log_error_ratio` the log of the
    errors' ratio: over the seeds where both trained (`trained_blocks` of `blocks`), absent where
    there are none. `missing_seeds` are planned seeds for which one of the two has no run.
    `failures` is the difference in the share of failures, there when any of the runs failed,
    with the exact `mcnemar` beside it, which decides nothing.
    """

    judged_by: ClassVar = ("reading", "points")

    blocks: Tally
    trained_blocks: Tally
    missing_seeds: tuple[int, ...]
    points: Estimate | None
    log_error_ratio: Estimate | None
    failures: Estimate | None
    mcnemar: float | None

    @property
    def reading(self) -> Reading | Literal["missing"]:
        """Whether the arm scores higher or lower than the reference, as far as it can be told."""
        return "missing" if self.points is None else self.points.reading


def compare(
    treatment: pd.DataFrame, control: pd.DataFrame, *, planned: tuple[int, ...], level: float
) -> Comparison:
    """Compare the confirmed runs of two studies of one cell, paired by seed.

    Args:
        treatment: The arm's rows of the runs' table, by the statistics asked for.
        control: The reference arm's rows.
        planned: Seeds that the plan asks both for.
        level: Of the intervals, between 0 and 1.

    Raises:
        ValueError: A seed stands twice in one study.
    """
    sample = log_error_ratio(treatment, control, block=("seed",), metric=METRIC)
    failures = sample.failures
    return Comparison(
        blocks=sample.present,
        trained_blocks=len(sample.seeds),
        missing_seeds=tuple(sorted({*planned} - ({*treatment["seed"]} & {*control["seed"]}))),
        points=points_estimate(sample, level=level),
        log_error_ratio=estimate(sample, level=level),
        failures=None if failures is None else estimate(failures, level=level),
        mcnemar=None if failures is None else failures.mcnemar,
    )
