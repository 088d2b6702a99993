"""From the runs' table to paired blocks: which runs, which partner, which of them failed.

The table has one row per run and a column for whatever tells runs apart (arm,
model, optimizer.learning_rate, batch_size, ...). A block is what two runs have in
common, always including the seed. What is missing stays missing: only blocks
with a run on both sides are returned, and nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from pipeline.arguments import Argument
from pipeline.statistics.samples import Floats, Sample, sample_of

Statistics = Literal["moving", "recalibrated"]
CONTROL = "_control"
RECALIBRATED = "_recalibrated"


def select(runs: pd.DataFrame, where: Mapping[str, Argument]) -> pd.DataFrame:
    """Return the rows whose columns have these values; several values mean any of them.

    Raises:
        ValueError: The table has no such column.
    """
    chosen = np.ones(len(runs), np.bool_)
    for name, value in where.items():
        _require(runs, name)
        allowed = list(value) if isinstance(value, tuple) else [value]
        found = runs[name].isin(allowed) | (runs[name].isna() if None in allowed else False)
        chosen &= found.to_numpy(np.bool_)
    return runs[chosen]


def with_statistics(runs: pd.DataFrame, statistics: Statistics) -> pd.DataFrame:
    """Return the table in which every score, and who failed, is by the statistics asked for.

    A run without batch statistics has one score, whichever statistics are asked for.
    """
    if statistics == "moving":
        return runs
    recalibrated = [name for name in runs if str(name).endswith(RECALIBRATED)]
    replaced = {
        plain: runs[name].fillna(runs[plain])
        for name in recalibrated
        if (plain := str(name).removesuffix(RECALIBRATED)) in runs
    }
    return runs.assign(**replaced)


def pair(treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str]) -> pd.DataFrame:
    """Return one row per block that ran on both sides, in order of blocks.

    Args:
        treatment: Rows of one side.
        control: Rows of the other; its columns get the suffix `_control`.
        block: Columns that the two runs of a block share; `seed` among them.

    Raises:
        ValueError: A block column is absent or not the seed's, or a block has two runs on a side.
    """
    if "seed" not in block:
        raise ValueError(f"a block is of one seed; add seed to {', '.join(block)}")
    keys = list(block)
    for side in (treatment, control):
        _is_unique(side, keys)
    names = {name: f"{name}{CONTROL}" for name in control if name not in keys}
    pairs = treatment.merge(control.rename(columns=names), on=keys)
    return pairs.sort_values(keys, ignore_index=True)


def ranked_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table with seeds numbered from 0: arms on disjoint seeds then pair by rank.

    Such pairs have nothing in common, and an interval on their differences is as
    right as any, if wider.
    """
    return runs.assign(seed=runs["seed"].rank(method="dense").astype(int) - 1)


def trained(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the blocks in which neither run failed."""
    return pairs[~failed(pairs) & ~failed(pairs, CONTROL)]


def failure_sample(pairs: pd.DataFrame, *, always: bool = False) -> Sample | None:
    """Each block's difference in failures (1, 0 or -1); None where none failed, unless `always`."""
    ours, theirs = failed(pairs), failed(pairs, CONTROL)
    if not always and not (ours | theirs).any():
        return None
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    apart = only_ours + only_theirs
    differences = sample_of(ours.astype(float) - theirs, seeds=pairs["seed"])
    return differences.model_copy(
        update={
            "bound": 1.0,
            "mcnemar": float(scipy.stats.binomtest(only_ours, apart).pvalue) if apart else 1.0,
        }
    )


def failed(pairs: pd.DataFrame, side: str = "") -> NDArray[np.bool_]:
    """Say in which blocks a side's run failed, shape (blocks,); the control's is `CONTROL`."""
    _require(pairs, f"failed{side}")
    return pairs[f"failed{side}"].to_numpy(np.bool_)


def score_of(error: str) -> str:
    """Name the score that stands beside an error: `test_score` beside `test_error`."""
    return error.replace("_error", "_score")


def log_error_column(pairs: pd.DataFrame, metric: str, side: str = "") -> Floats:
    """Logs of errors, as each run's task takes them, shape (blocks,).

    The number of examples stands in a column of the split's: `test_examples`
    for `test_error` and whatever else begins with `test_`.

    Raises:
        ValueError: The table has no such column, or an error cannot be one.
    """
    errors = column(pairs, metric + side)
    examples = column(pairs, f"{metric.split('_')[0]}_examples{side}")
    tasks, logs = pairs["task"].to_numpy(), np.empty(len(pairs), np.float64)
    for task in {id(each): each for each in tasks}.values():
        own = np.array([each is task for each in tasks])
        logs[own] = task.log_error(errors[own], examples[own])
    return logs


def known_sample(runs: pd.DataFrame, metric: str) -> Sample:
    """Return a figure of the runs that have it; of an arm without it, an empty sample."""
    known = runs[~np.isnan(column(runs, metric))]
    return sample_of(column(known, metric), seeds=known["seed"])


def column(pairs: pd.DataFrame, name: str) -> Floats:
    """A column's numbers, shape (blocks,).

    Raises:
        ValueError: The table has no such column.
    """
    _require(pairs, name)
    return pairs[name].to_numpy(np.float64)


def _is_unique(runs: pd.DataFrame, keys: list[str]) -> None:
    for name in keys:
        _require(runs, name)
    again = runs[runs.duplicated(keys)]
    if len(again):
        twice = ", ".join(str(again[name].iloc[0]) for name in keys)
        raise ValueError(f"two runs are in the block {'/'.join(keys)} = {twice}; name what differs")


def _require(runs: pd.DataFrame, name: str) -> None:
    if name not in runs:
        raise ValueError(f"the runs' table has no column {name}")
