"""The control of the tuned comparison: one arm's searches against its own.

An arm that is searched twice as often is split into two sides, at random and again and again; what
the rule calls different is called so wrongly, for both sides are the same arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.tuned.comparisons import METRIC
from pipeline.statistics.intervals import t_quantile
from pipeline.statistics.pairs import log_error_column
from pipeline.statistics.samples import Floats

SPLITS = 500
SEED = 20150211  # of the splits; batch normalization's own day
EXPECTED = (0.02, 0.08)  # of intervals at 95% that exclude zero


class SameArm(Record):
    """How often one arm's searches are called different from its own.

    `searches` are split `splits` times into two sides of half of them, paired at random. In
    `outside` of the splits the interval at `level` excludes zero: 1 - `level` is right. `called`
    is the share that is called to help or to hurt by the page's own rule, at its adjusted level.
    """

    named_by: ClassVar = ("experiment", "dataset", "model", "optimizer", "arm")

    experiment: str
    dataset: str
    model: str
    optimizer: str
    arm: str
    searches: Count
    splits: Count
    level: float
    outside: float
    called: float

    @property
    def passed(self) -> bool:
        """Whether the rule errs about as often as it says."""
        low, high = EXPECTED
        return low <= self.outside <= high


def errors_of(runs: Mapping[int, pd.DataFrame]) -> Floats:
    """Mean log test error of each search that was confirmed, shape (searches,)."""
    logs = [log_error_column(own, METRIC).mean() for own in runs.values() if len(own)]
    return np.array(logs, np.float64)


def rates(
    errors: Floats, *, level: float, adjusted: float, margin: float
) -> tuple[float, float] | None:
    """Share of splits whose interval excludes zero, and that are called to help or to hurt.

    Args:
        errors: Of `errors_of`; of an odd number, the last one is left out.
        level: Of a single interval.
        adjusted: Of an interval of the page, all of which hold together.
        margin: Log of the factor under which errors practically agree.

    Returns:
        None with fewer than four searches: a side of one has no interval.
    """
    half = len(errors) // 2
    if half < 2:
        return None
    generator = np.random.default_rng(SEED)
    order = np.argsort(generator.random((SPLITS, len(errors))), axis=1)
    apart = errors[order[:, :half]] - errors[order[:, half : 2 * half]]
    means, error = apart.mean(axis=1), apart.std(axis=1, ddof=1) / math.sqrt(half)
    away = np.abs(means)
    outside = away > t_quantile(half - 1, level=level) * error
    called = away - t_quantile(half - 1, level=adjusted) * error > margin
    return float(outside.mean()), float(called.mean())
