"""The train/inference gap: what the moving statistics cost at inference.

The same shuffled validation examples, in whole batches, are classified with
the batch's own statistics, with the moving averages that a user gets, and with
statistics recalibrated over training examples.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.content import Record
from pipeline.statistics.effects import Effect, mean_effect, paired_effect

STATISTICS = ("batch", "moving", "recalibrated")


class Gap(Record):
    """Accuracy (a share) with each kind of statistics, and the differences in points.

    Over the runs with a finite loss; `diverged` says how many had none. A run
    that collapsed at inference alone is what the gap is about, and stays in.
    """

    runs: Annotated[int, Field(ge=0)]
    diverged: Annotated[int, Field(ge=0)]
    accuracy: dict[str, Effect]
    batch_minus_moving: Effect | None
    recalibrated_minus_moving: Effect | None


def train_inference_gap(runs: pd.DataFrame, *, level: float) -> Gap | None:
    """Gap of one study's confirmed runs, with t intervals over seeds.

    Returns:
        None for an arm without batch statistics (or without runs); without
        effects where every run diverged.

    Raises:
        ValueError: A run that did not diverge lacks one of the three accuracies.
    """
    columns = [f"gap_{name}" for name in STATISTICS]
    if runs[columns].isna().all(axis=None):
        return None
    finite = runs[~runs["diverged"].astype(bool)]
    seeds = finite["seed"].to_numpy()
    shares = {
        name: finite[column].to_numpy(np.float64)
        for name, column in zip(STATISTICS, columns, strict=True)
    }

    def minus_moving(name: str) -> Effect | None:
        if not len(finite):
            return None
        return paired_effect(100 * shares[name], 100 * shares["moving"], seeds=seeds, level=level)

    return Gap(
        runs=len(finite),
        diverged=len(runs) - len(finite),
        accuracy={
            name: mean_effect(values, seeds=seeds, level=level)
            for name, values in shares.items()
            if len(finite)
        },
        batch_minus_moving=minus_moving("batch"),
        recalibrated_minus_moving=minus_moving("recalibrated"),
    )
