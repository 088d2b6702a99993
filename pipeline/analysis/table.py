"""Answers as a tidy table: one row per run, one column per figure.

A figure that a run does not have (the recalibrated accuracy of an arm without
batch statistics, the loss of a diverged run) is NaN in its column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from pipeline.records import Answer, Study

PLACE = ("experiment", "dataset", "model", "arm", "study", "index", "seed")
METRICS = (
    "validation_accuracy",
    "validation_loss",
    "validation_accuracy_recalibrated",
    "gap_batch",
    "gap_moving",
    "gap_recalibrated",
    "test_accuracy",
    "test_loss",
    "test_accuracy_recalibrated",
)
COLUMNS = (*PLACE, "learning_rate", "diverged", "best_validation_accuracy", *METRICS)


def answers_table(answers: Iterable[Answer], studies: Mapping[str, Study]) -> pd.DataFrame:
    """One row per answer, in (study, index) order.

    Args:
        answers: Of one sealed file.
        studies: By name; says where each answer belongs.

    Returns:
        The columns are `COLUMNS`. `best_validation_accuracy` is the highest of
        the run's curve, `learning_rate` the optimizer's. Accuracies are shares.

    Raises:
        ValueError: An answer belongs to no study, or a place is taken twice.
    """
    rows: dict[tuple[str, int], dict[str, object]] = {}
    for answer in answers:
        if answer.study not in studies:
            raise ValueError(f"an answer belongs to {answer.study}, which is not in the plan")
        place = (answer.study, answer.index)
        if place in rows:
            raise ValueError(f"{answer.study}: index {answer.index} is answered twice")
        rows[place] = _row(answer, studies[answer.study])
    return pd.DataFrame([rows[place] for place in sorted(rows)], columns=list(COLUMNS))


def runs_of(table: pd.DataFrame, study: str) -> pd.DataFrame:
    """Return the rows of one study, in index order; none where it has no answers."""
    return table[table["study"] == study].reset_index(drop=True)


def _row(answer: Answer, study: Study) -> dict[str, object]:
    metrics, curves = answer.result.metrics, answer.result.curves
    reached = [value for value in curves.get("validation_accuracy", ()) if value is not None]
    rate = answer.trial.optimizer.arguments.get("learning_rate")
    return {
        "experiment": study.experiment,
        "dataset": study.dataset,
        "model": study.model_name,
        "arm": study.arm,
        "study": answer.study,
        "index": answer.index,
        "seed": answer.trial.seed,
        "learning_rate": float(rate) if isinstance(rate, int | float) else math.nan,
        "diverged": answer.result.status == "diverged" or "validation_loss" not in metrics,
        "best_validation_accuracy": max(reached, default=metrics["validation_accuracy"]),
        **{name: metrics.get(name, math.nan) for name in METRICS},
    }
