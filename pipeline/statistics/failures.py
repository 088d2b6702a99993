"""Who failed, said once for every table, section and claim.

A run fails when it diverged, or when it ends under a line that its arm's best scores
draw: what each seed reached over all the arm's rates, batch sizes and trials, and the
median over seeds; how far under them the line is, the task says. An arm that fails at
most rates is thus still measured by what it can do, and a search's trials and its
confirmed runs by one line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.statistics.pairs import with_statistics


class Outcomes(Record):
    """How many runs came back and how many of them failed, by moving and by recalibrated scores.

    Those that diverged failed by either.
    """

    runs: Tally
    failed: Tally
    failed_recalibrated: Tally
    diverged: Tally


def marked(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns `failed` and `failed_recalibrated`.

    Args:
        runs: One row per run, with all the runs of each study that is in it.
    """
    by_recalibrated = with_statistics(runs, "recalibrated")
    return runs.assign(failed=_failed(runs), failed_recalibrated=_failed(by_recalibrated))


def outcomes(runs: pd.DataFrame) -> Outcomes:
    """Count the runs of a marked table, scores of moving statistics."""
    failed = {name: int(runs[name].sum()) for name in Outcomes.model_fields if name != "runs"}
    return Outcomes(runs=len(runs), **failed)


def _failed(runs: pd.DataFrame) -> NDArray[np.bool_]:
    if runs.empty:
        return np.zeros(0, np.bool_)
    by_seed = runs.groupby(["study", "seed"])["best_validation_score"].max()
    tasks = dict(zip(runs["study"], runs["task"], strict=True))
    best = by_seed.groupby("study").median().to_dict()
    lines = {study: tasks[study].fails_below(score) for study, score in best.items()}
    low = runs["validation_score"] < runs["study"].map(lines)
    return (runs["diverged"].astype(bool) | low).to_numpy(np.bool_)
