"""What a study's search found: every trial as a point, the best so far, and the winner."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.arguments import Argument, Count, Tally
from pipeline.content import Record
from pipeline.records import Answer, Trial
from pipeline.statistics.runs import RATE
from pipeline.studies import Study


class TrialPoint(Record):
    """One trial of the sweep; `learning_rate` is absent where the optimizer has none."""

    named_by: ClassVar = ("index",)

    index: Tally
    learning_rate: float | None
    validation_score: float
    failed: bool


class Winner(Record):
    """The configuration that was confirmed, by the dimensions that its study searched.

    `index` is its trial in the sweep and `validation_score` what it scored
    there; both are absent when no trial of the sweep had this configuration.
    """

    index: Tally | None
    validation_score: float | None
    hyperparameters: dict[str, Argument]


class Search(Record):
    """One search's trials in order, and its number; the winner is absent until confirmed."""

    named_by: ClassVar = ("number",)

    number: Count
    trials: tuple[TrialPoint, ...]
    best_so_far: tuple[float, ...]
    winner: Winner | None


def search(
    study: Study, runs: pd.DataFrame, swept: Sequence[Answer], confirmed: Sequence[Answer]
) -> Search:
    """Describe one search.

    Args:
        study: The search.
        runs: The rows of the study's sweep in the runs' table, in index order.
        swept: The study's answers of the sweep.
        confirmed: Its answers on fresh seeds; the first names the winner.
    """
    scores = runs["validation_score"].to_numpy(np.float64)
    rates = runs[RATE] if RATE in runs else [math.nan] * len(runs)
    rows = zip(runs["index"], rates, scores, runs["failed"], strict=True)
    return Search(
        number=study.search,
        trials=tuple(
            TrialPoint(
                index=int(index),
                learning_rate=None if math.isnan(rate) else float(rate),
                validation_score=float(score),
                failed=bool(failed),
            )
            for index, rate, score, failed in rows
        ),
        best_so_far=tuple(np.maximum.accumulate(scores).tolist()),
        winner=_winner(swept, confirmed, tuple(study.space)),
    )


def best_winner(searches: Iterable[Search]) -> Winner | None:
    """Return the winner of the search that found most on validation examples, the first of equals.

    None where nothing was confirmed.
    """
    won = [each for each in searches if each.winner is not None and each.best_so_far]
    return max(won, key=lambda each: each.best_so_far[-1]).winner if won else None


def hyperparameters(trial: Trial, names: Iterable[str]) -> dict[str, Argument]:
    """Return what a trial has for each searched dimension.

    Raises:
        ValueError: The trial has no such value.
    """
    parts = {
        "model": trial.model.arguments,
        "norm": trial.norm.layer.arguments if trial.norm.layer else {},
        "optimizer": trial.optimizer.arguments,
    }
    found: dict[str, Argument] = {}
    for name in names:
        part, _, argument = name.rpartition(".")
        values = parts.get(part, {}) if part else trial.plain()
        if argument not in values:
            raise ValueError(f"a trial has no {name}")
        found[name] = values[argument]
    return found


def _winner(
    swept: Sequence[Answer], confirmed: Sequence[Answer], space: tuple[str, ...]
) -> Winner | None:
    if not confirmed:
        return None
    first = min(confirmed, key=lambda answer: answer.index)
    chosen = hyperparameters(first.trial, space)
    same = [answer for answer in swept if hyperparameters(answer.trial, space) == chosen]
    best = max(
        same,
        key=lambda answer: (answer.result.metrics["validation_score"], -answer.index),
        default=None,
    )
    return Winner(
        index=None if best is None else best.index,
        validation_score=None if best is None else best.result.metrics["validation_score"],
        hyperparameters=chosen,
    )
