"""The train/inference gap: what the moving statistics cost at inference.

The same shuffled validation examples, in whole batches, are answered with
the batch's own statistics, with the moving averages that a user gets, and with
statistics recalibrated over training examples.
"""

from __future__ import annotations

import pandas as pd

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import column
from pipeline.statistics.samples import Floats, sample_of

STATISTICS = ("batch", "moving", "recalibrated")


class Gap(Record):
    """Score (a share) with each kind of statistics, and the differences in points.

    Over the runs with a finite loss; `diverged` says how many had none. A run
    that collapsed at inference alone is what the gap is about, and stays in.
    """

    runs: Tally
    diverged: Tally
    scores: dict[str, Estimate]
    batch_minus_moving: Estimate | None
    recalibrated_minus_moving: Estimate | None


def train_inference_gap(runs: pd.DataFrame, *, level: float) -> Gap | None:
    """Gap of one study's confirmed runs, with t intervals over seeds.

    Returns:
        None for an arm without batch statistics (or without runs); without
        effects where every run diverged.

    Raises:
        ValueError: A run that did not diverge lacks one of the three scores.
    """
    if runs[[f"gap_{name}" for name in STATISTICS]].isna().all(axis=None):
        return None
    finite = runs[~runs["diverged"].astype(bool)]
    shares = {name: column(finite, f"gap_{name}") for name in STATISTICS}

    def mean(values: Floats) -> Estimate | None:
        return estimate(sample_of(values, seeds=finite["seed"]), level=level)

    return Gap(
        runs=len(finite),
        diverged=len(runs) - len(finite),
        scores={name: found for name in STATISTICS if (found := mean(shares[name]))},
        batch_minus_moving=mean(100 * (shares["batch"] - shares["moving"])),
        recalibrated_minus_moving=mean(100 * (shares["recalibrated"] - shares["moving"])),
    )
