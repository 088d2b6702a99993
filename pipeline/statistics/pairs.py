"""From the runs' table to paired blocks: which runs, which partner, who failed.

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
from scipy import stats

from pipeline.arguments import Argument
from pipeline.statistics.effects import log_errors
from pipeline.statistics.samples import Floats, Sample, sample_of

Statistics = Literal["moving", "recalibrated"]
CONTROL = "_control"
RECALIBRATED = "_recalibrated"
ARM = ("experiment", "dataset", "model", "optimizer", "arm")


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
    """Return the table in which every accuracy is that of the statistics asked for.

    A run without batch statistics has one accuracy, whichever statistics are asked for.
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


def marked(runs: pd.DataFrame, *, arm: Sequence[str] = ARM) -> pd.DataFrame:
    """Return the table with a column `failed`, as fixed beforehand.

    A run fails when it diverged, or when it ends under half of its arm's median
    best: the best that each seed reached over all the arm's rates and batch
    sizes, and the median over seeds. An arm that fails at most rates is thus still
    measured by what it can do.

    Args:
        runs: One row per run.
        arm: Columns that say what an arm's runs have in common.
    """
    best = np.fmax(column(runs, "best_validation_score"), column(runs, "validation_score"))
    keyed = runs[list(arm)].assign(seed=runs["seed"], best=best)
    by_seed = keyed.groupby([*arm, "seed"], as_index=False)["best"].max()
    lines = by_seed.groupby(list(arm))["best"].median().rename("line").reset_index()
    line = keyed.merge(lines, on=list(arm), how="left")["line"].to_numpy(np.float64)
    low = runs["validation_score"].to_numpy(np.float64) < line / 2
    return runs.assign(failed=runs["diverged"].to_numpy(np.bool_) | low)


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
    sides = [_keyed(side, keys) for side in (treatment, control)]
    return sides[0].join(sides[1].add_suffix(CONTROL), how="inner").sort_index().reset_index()


def ranked_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table with seeds numbered from 0: arms on disjoint seeds then pair by rank.

    Such pairs have nothing in common, and an interval on their differences is as
    right as any, if wider.
    """
    return runs.assign(seed=runs["seed"].rank(method="dense").astype(int) - 1)


def trained(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the blocks in which neither run failed."""
    return pairs[~_failed(pairs, "failed") & ~_failed(pairs, f"failed{CONTROL}")]


def failure_sample(pairs: pd.DataFrame, *, always: bool = False) -> Sample | None:
    """Each block's difference in failures (1, 0 or -1); None where none failed, unless `always`."""
    ours, theirs = _failed(pairs, "failed"), _failed(pairs, f"failed{CONTROL}")
    if not always and not (ours | theirs).any():
        return None
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    apart = only_ours + only_theirs
    differences = sample_of(ours.astype(float) - theirs, seeds=pairs["seed"])
    return differences.model_copy(
        update={
            "bound": 1.0,
            "mcnemar": float(stats.binomtest(only_ours, apart).pvalue) if apart else 1.0,
        }
    )


def log_error_column(pairs: pd.DataFrame, metric: str, side: str = "") -> Floats:
    """Logs of the error rates behind an accuracy, shape (blocks,).

    The number of examples stands in a column of the split's: `test_examples`
    for `test_score` and whatever else begins with `test_`.
    """
    split = metric.split("_")[0]
    counted = f"{split}_examples{side}"
    for name in (metric + side, counted):
        _require(pairs, name)
    shares, examples = pairs[metric + side].to_numpy(np.float64), pairs[counted].to_numpy(np.int64)
    logs = np.empty(len(pairs), np.float64)
    for count in np.unique(examples):
        logs[examples == count] = log_errors(shares[examples == count], examples=int(count))
    return logs


def column(pairs: pd.DataFrame, name: str) -> Floats:
    """A column's numbers, shape (blocks,).

    Raises:
        ValueError: The table has no such column.
    """
    _require(pairs, name)
    return pairs[name].to_numpy(np.float64)


def _failed(pairs: pd.DataFrame, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    _require(pairs, name)
    return pairs[name].to_numpy(np.bool_)


def _keyed(runs: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    for name in keys:
        _require(runs, name)
    indexed = runs.set_index(keys)
    if not indexed.index.is_unique:
        twice = indexed.index[indexed.index.duplicated()][0]
        raise ValueError(f"two runs are in the block {'/'.join(keys)} = {twice}; name what differs")
    return indexed


def _require(runs: pd.DataFrame, name: str) -> None:
    if name not in runs:
        raise ValueError(f"the runs' table has no column {name}")
