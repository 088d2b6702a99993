"""One figure of each run as it stands, or its difference between two arms.

Counts, changes of an output, shares of failures: whatever needs no logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.arguments import Argument
from pipeline.claims.kind import Figure, Phrase, Read, Reading, bare, points, reads
from pipeline.records import Task
from pipeline.statistics.pairs import CONTROL, column, failure_sample, pair
from pipeline.statistics.samples import Sample, sample_of

COUNT = "parameters"  # the one figure that is whole by nature


def _percent(*_: object) -> Reading:
    return lambda found: Phrase(f"{found:.2f}%", "", "", grows=True)


def _in_hundredths(read: Read) -> Read:
    """Read a figure times 100 so, any other as a bare number."""

    def chosen(arguments: Mapping[str, Argument], task: Task) -> Reading:
        noun = "weights" if arguments["metric"] == COUNT else ""
        return (read if arguments["times"] == 100 else bare(noun))(arguments, task)

    return chosen


@reads(_in_hundredths(_percent))
def value(treatment: pd.DataFrame, *, block: Sequence[str], metric: Figure, times: float) -> Sample:
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
        is_count=metric == COUNT,
    )


@reads(_in_hundredths(points()))
def change(
    treatment: pd.DataFrame, *, block: Sequence[str], metric: Figure, against: Figure, times: float
) -> Sample:
    """One figure minus another of the same run, times a factor, whether it trained or not.

    Raises:
        ValueError: A run has no such figure, or a block has two runs.
    """
    rows = pair(treatment, treatment, block=block)
    values = times * (column(rows, metric) - column(rows, against))
    return sample_of(values, seeds=rows["seed"])


@reads(_in_hundredths(points()))
def difference(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    metric: Figure,
    times: float,
) -> Sample:
    """Treatment's figure minus control's, times a factor, whether the runs trained or not.

    For figures that a failed run has too, such as a count of parameters.
    """
    pairs = pair(treatment, control, block=block)
    values = times * (column(pairs, metric) - column(pairs, metric + CONTROL))
    return sample_of(values, seeds=pairs["seed"], is_count=metric == COUNT)


@reads(points("points of failures", times=100))
def failing_share(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str]
) -> Sample:
    """Share of failures, treatment minus control, with McNemar's exact p value beside it."""
    found = failure_sample(pair(treatment, control, block=block), always=True)
    assert found is not None
    return found
