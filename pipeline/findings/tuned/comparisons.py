"""One tuned arm against another: the unit is the search, and all readings are adjusted as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from pipeline.arguments import Count, Tally
from pipeline.content import Record
from pipeline.records import Answer
from pipeline.statistics.crossed import crossed_estimate, outcomes_by_seed
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import (
    CONTROL,
    Statistics,
    column,
    failed,
    log_error_column,
    pair,
    score_of,
    with_statistics,
)
from pipeline.statistics.samples import sample_of

METRIC = "test_error"

Word = Literal["helps", "hurts", "no practical difference", "can't tell"]


class Comparison(Record):
    """An arm against another one of its cell, each tuned by as many independent searches.

    `log_error_ratio` is the mean over searches of the log of the arm's test error over that of
    `against`, under 0 where the arm has fewer errors; its clusters are searches, and its level
    makes all readings of the page hold together. `word` is read off that interval.
    `points` says the same in hundredths of the score, over 0 where the arm is better, and
    `crossed` for other test examples, too. `recalibrated` is the log error ratio with statistics
    recalibrated over training examples; it has no word of its own. Failed runs count as they
    are: a diverged one errs as a guess does. `failed` and `failed_against` count them.
    """

    judged_by: ClassVar = ("word", "log_error_ratio")
    named_by: ClassVar = ("experiment", "dataset", "model", "optimizer", "arm", "against")

    experiment: str
    dataset: str
    model: str
    optimizer: str
    arm: str
    against: str
    word: Word
    log_error_ratio: Estimate | None
    points: Estimate | None
    crossed: Estimate | None
    recalibrated: Estimate | None
    planned: Count
    runs: Tally
    failed: Tally
    failed_against: Tally

    @property
    def is_recalibrated(self) -> bool:
        """Whether recalibrated statistics say anything else: an arm of the two has statistics."""
        return self.recalibrated != self.log_error_ratio


Paired = Mapping[int, tuple[pd.DataFrame, pd.DataFrame]]


def word_of(found: Estimate | None, margin: float) -> Word:
    """Read a log error ratio: beyond the margin, a log too, on one side, within it, or neither."""
    low, high = (-math.inf, math.inf) if found is None else found.limits
    if found is not None and found.method == "none":
        return "can't tell"
    if high < -margin:
        return "helps"
    if low > margin:
        return "hurts"
    return "no practical difference" if low >= -margin and high <= margin else "can't tell"


def simultaneous(level: float, readings: int) -> float:
    """Level of each of so many intervals that all hold at `level` together (Bonferroni)."""
    return 1 - (1 - level) / max(1, readings)


def effect(searches: Paired, *, statistics: Statistics, level: float) -> Estimate | None:
    """Mean log error ratio over searches, each search's over its fresh seeds.

    Args:
        searches: By number, the confirmed runs of one arm's search and of the other's.
        statistics: Whose test errors.
        level: Of the interval.

    Returns:
        None where no search was confirmed in both arms.
    """
    return _over_searches(searches, statistics, level, _log_ratio)


def points(searches: Paired, *, level: float) -> Estimate | None:
    """Mean difference of test scores over searches, in hundredths."""
    return _over_searches(searches, "moving", level, _points)


def crossed(
    searches: Sequence[tuple[Sequence[Answer], Sequence[Answer]]], *, examples: int, level: float
) -> Estimate | None:
    """Difference of test scores in points, for other searches and other test examples at once.

    Args:
        searches: The confirmed answers of one arm's search and of the other's.
        examples: How many test examples there are.
        level: Of the interval.
    """
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for both in searches:
        ours, theirs = (outcomes_by_seed(answers, examples) for answers in both)
        if seeds := sorted(ours.keys() & theirs.keys()):
            for side, outcomes in zip(sides, (ours, theirs), strict=True):
                side.append(np.mean([outcomes[seed] for seed in seeds], axis=0))
    if not sides[0]:
        return None
    return crossed_estimate(*map(np.stack, sides), level=level)


def failures(searches: Paired) -> tuple[int, int, int]:
    """How many pairs of runs there are, and how many failed on either side."""
    pairs = [pair(*both, block=("seed",)) for both in searches.values()]
    return (
        sum(map(len, pairs)),
        sum(int(failed(each).sum()) for each in pairs),
        sum(int(failed(each, CONTROL).sum()) for each in pairs),
    )


def _log_ratio(pairs: pd.DataFrame) -> float:
    logs = log_error_column(pairs, METRIC) - log_error_column(pairs, METRIC, CONTROL)
    return float(logs.mean())


def _points(pairs: pd.DataFrame) -> float:
    score = score_of(METRIC)
    return float(100 * (column(pairs, score) - column(pairs, score + CONTROL)).mean())


def _over_searches(
    searches: Paired,
    statistics: Statistics,
    level: float,
    of: Callable[[pd.DataFrame], float],
) -> Estimate | None:
    found = {}
    for number, both in searches.items():
        pairs = pair(*(with_statistics(side, statistics) for side in both), block=("seed",))
        if len(pairs):
            found[number] = of(pairs)
    return estimate(sample_of([*found.values()], seeds=[*found]), level=level)
