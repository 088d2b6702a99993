"""One figure of each run as it stands, or its difference between two arms.

Counts, changes of an output, shares of failures: whatever needs no logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.statistics.pairs import CONTROL, column, failure_sample, pair
from pipeline.statistics.samples import Sample, sample_of


def value(treatment: pd.DataFrame, *, block: Sequence[str], metric: str, times: float) -> Sample:
    """One arm's figure, times a factor (100 for points); failed runs are counted apart.

    Raises:
        ValueError: A run has no such figure, or a block has two runs.
    """
    rows = pair(treatment, treatment.assign(failed=False), block=block)
    alive = rows[~rows["failed"].to_numpy(np.bool_)]
    return sample_of(
        times * column(alive, metric),
        seeds=alive["seed"],
        present=len(rows),
        failures=failure_sample(rows),
    )


def change(
    treatment: pd.DataFrame, *, block: Sequence[str], metric: str, against: str, times: float
) -> Sample:
    """One figure minus another of the same run, times a factor, whether it trained or not.

    Raises:
        ValueError: A run has no such figure, or a block has two runs.
    """
    rows = pair(treatment, treatment, block=block)
    values = times * (column(rows, metric) - column(rows, against))
    return sample_of(values, seeds=rows["seed"])


def difference(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    metric: str,
    times: float,
) -> Sample:
    """Treatment's figure minus control's, times a factor, whether the runs trained or not.

    For figures that a failed run has too, such as a count of parameters.
    """
    pairs = pair(treatment, control, block=block)
    values = times * (column(pairs, metric) - column(pairs, metric + CONTROL))
    return sample_of(values, seeds=pairs["seed"])


def failing_share(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str]
) -> Sample:
    """Share of failures, treatment minus control, with McNemar's exact p value beside it."""
    found = failure_sample(pair(treatment, control, block=block), always=True)
    assert found is not None
    return found
