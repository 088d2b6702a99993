"""Best against budget: what n random trials would have found, with a band over searches.

Only trials that do not depend on each other's results are used: of a search that learns, those it
draws before it begins to. They come from independent searches, which are drawn again for the band.
And only up to a quarter of the trials: beyond, the estimate leans on the few best ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.designs import Design

INDEPENDENT = ("pipeline.search.random_search.",)
STARTUP = "startup_trials"  # what a design that learns calls its random draws
RESAMPLES = 1_000
SEED = 20120213  # of the band; Bergstra and Bengio's month


class Budget(Record):
    """Expected best of 1, 2, ... random trials out of `trials`, without replacement.

    `low` and `high` are percentiles over resampled `searches`; absent with one search.
    """

    trials: Count
    searches: Count
    level: float
    expected_best: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None


def independent(design: Design) -> int:
    """How many of a design's first trials are independent draws; 0 where none are known to be."""
    if design.proposer.target.startswith(INDEPENDENT):
        return design.trials
    startup = design.proposer.arguments.get(STARTUP, 0)
    return min(design.trials, startup) if isinstance(startup, int) else 0


def budget_curve(searches: Sequence[ArrayLike], *, level: float) -> Budget | None:
    """Expected best score for each budget up to a quarter of the trials.

    Args:
        searches: Scores of each search's independent trials, higher is better, failed trials
            at chance, shape (trials,) each.
        level: Of the band.

    Returns:
        None with fewer than four trials.

    Raises:
        ValueError: A score is not finite.
    """
    drawn = [np.asarray(scores, np.float64) for scores in searches if np.size(scores)]
    every = np.concatenate(drawn) if drawn else np.zeros(0)
    if not bool(np.isfinite(every).all()):
        raise ValueError("a score is not finite; score a diverged run before comparing it")
    if len(every) < 4:
        return None
    budgets = range(1, len(every) // 4 + 1)
    low = high = None
    if len(drawn) > 1:
        generator = np.random.default_rng(SEED)
        picks = generator.integers(0, len(drawn), (RESAMPLES, len(drawn)))
        again = [np.concatenate([drawn[pick] for pick in row]) for row in picks]
        curves = [[expected_best(each, min(n, len(each))) for n in budgets] for each in again]
        ends = np.quantile(curves, ((1 - level) / 2, (1 + level) / 2), axis=0)
        low, high = (tuple(map(float, end)) for end in ends)
    return Budget(
        trials=len(every),
        searches=len(drawn),
        level=level,
        expected_best=tuple(expected_best(every, budget) for budget in budgets),
        low=low,
        high=high,
    )


def expected_best(scores: ArrayLike, budget: int) -> float:
    """Expected maximum of `budget` of the scores, drawn without replacement.

    The i-th smallest of N is the largest of n in C(i - 1, n - 1) of the C(N, n) draws.

    Raises:
        ValueError: The budget is not between 1 and the number of scores.
    """
    ordered = np.sort(np.asarray(scores, np.float64))
    count = len(ordered)
    if not 1 <= budget <= count:
        raise ValueError(f"a budget is from 1 to {count} trials, got {budget}")
    place = np.arange(budget, count + 1)
    logs = _log_choose(place - 1, budget - 1) - _log_choose(np.array(count), budget)
    return float((np.exp(logs) * ordered[budget - 1 :]).sum())


def _log_choose(
    count: np.ndarray[tuple[int, ...], np.dtype[np.int64]], chosen: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    logs: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (
        gammaln(count + 1) - gammaln(chosen + 1) - gammaln(count - chosen + 1)
    )
    return logs
