"""Best against budget: what n random trials would have found.

Only of designs whose trials do not depend on each other's results: in a search
that learns, the first n trials are no random n. And only up to a quarter of the
trials: beyond, the estimate leans on the few best ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from pipeline.arguments import Count
from pipeline.content import Record

INDEPENDENT = ("pipeline.search.sobol.", "pipeline.search.random_search.")


class Budget(Record):
    """Expected best of 1, 2, ... random trials out of `trials`, without replacement."""

    trials: Count
    expected_best: tuple[float, ...]


def budget_curve(scores: ArrayLike, *, proposer: str) -> Budget | None:
    """Expected best score for each budget up to a quarter of the trials.

    Args:
        scores: One per trial, higher is better, failed trials at chance, shape (trials,).
        proposer: Dotted path of the design that asked for them.

    Returns:
        None with fewer than four trials.

    Raises:
        ValueError: The design learns from results, or a score is not finite.
    """
    if not proposer.startswith(INDEPENDENT):
        raise ValueError(f"{proposer}: best against budget needs independent trials")
    ordered = np.sort(np.asarray(scores, np.float64))
    if not bool(np.isfinite(ordered).all()):
        raise ValueError("a score is not finite; score a diverged run before comparing it")
    if len(ordered) < 4:
        return None
    budgets = range(1, len(ordered) // 4 + 1)
    return Budget(
        trials=len(ordered),
        expected_best=tuple(expected_best(ordered, budget) for budget in budgets),
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
