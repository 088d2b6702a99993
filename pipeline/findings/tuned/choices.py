"""Comparing tuned arms: which configuration a search picks is noise, too.

Two equal arms whose winners are compared on fresh seeds differ significantly
much too often, because each winner was picked on few tuning seeds. So the
tuning seeds are drawn again and again with replacement; every configuration that
wins often enough is confirmed; the effect is the mean over what would have been
picked, and the variance between picks is added to the one over seeds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate, around, t_quantile
from pipeline.statistics.samples import Floats, spread_of

CONFIRMED_SHARE = 0.10  # of the resamples that a configuration must win to be confirmed

Picks = NDArray[np.int64]
Variance = Annotated[float, Field(ge=0)]


class TunedEffect(Record):
    """Effect of tuned arms; `within` and `between` are variances of the estimate.

    `within` comes from fresh seeds, `between` from which configurations would
    have been picked. The interval is absent with one tuning seed or one fresh
    one. `picked` has each arm's confirmed configurations and their shares.
    """

    estimate: Estimate
    within: Variance | None
    between: Variance | None
    tuning_seeds: Count
    treatment_picked: dict[int, float]
    control_picked: dict[int, float]


def resampled_seeds(seeds: int, resamples: int, generator: Generator) -> Picks:
    """Draw tuning seeds with replacement, shape (resamples, seeds); one draw serves both arms."""
    return generator.integers(0, seeds, (resamples, seeds))


def winners(scores: ArrayLike, drawn: Picks) -> Picks:
    """Which configuration wins each resample, shape (resamples,).

    Args:
        scores: Of the search, higher is better, shape (configurations, tuning seeds).
        drawn: Of `resampled_seeds`.

    Raises:
        ValueError: A score is not finite, or there are none.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or not table.size or not bool(np.isfinite(table).all()):
        raise ValueError("tuning scores are a table of finite numbers, configurations by seeds")
    won: Picks = table[:, drawn].mean(axis=2).argmax(axis=0)
    return won


def to_confirm(won: Picks) -> tuple[int, ...]:
    """Configurations that win often enough to be confirmed, in order; the most frequent always."""
    found, counts = np.unique(won, return_counts=True)
    often = counts >= CONFIRMED_SHARE * len(won)
    often |= counts == counts.max()
    return tuple(found[often].tolist())


def tuned_effect(
    treatment: Mapping[int, ArrayLike],
    control: Mapping[int, ArrayLike],
    *,
    treatment_won: Picks,
    control_won: Picks,
    tuning_seeds: int,
    level: float,
) -> TunedEffect:
    """Treatment minus control, each arm as its search would have tuned it.

    Args:
        treatment: Scores of each confirmed configuration, on the same fresh
            seeds in the same order, shape (seeds,) each.
        control: The same for the other arm.
        treatment_won: Of `winners`.
        control_won: The other arm's, on the same resamples.
        tuning_seeds: How many the search had.
        level: Of the interval, between 0 and 1.

    Raises:
        ValueError: A configuration of `to_confirm` is missing, or seeds differ in number.
    """
    arms = [_confirmed(treatment, treatment_won), _confirmed(control, control_won)]
    together = zip(treatment_won.tolist(), control_won.tolist(), strict=True)
    picks = [(ours, theirs) for ours, theirs in together if ours in arms[0] and theirs in arms[1]]
    if not picks:  # frequent winners of either arm that never meet in one resample
        picks = list(itertools.product(arms[0], arms[1]))
    apart = np.array([arms[0][ours] - arms[1][theirs] for ours, theirs in picks], np.float64)
    by_seed = apart.mean(axis=0)
    clusters, spread = len(by_seed), spread_of(by_seed)
    within = None if spread is None else spread**2 / clusters
    between = float(apart.mean(axis=1).var()) if tuning_seeds > 1 else None
    half = None
    if within is not None and between is not None:
        half = t_quantile(clusters - 1, level=level) * math.sqrt(within + between)
    return TunedEffect(
        estimate=around(
            float(by_seed.mean()),
            half,
            level=level,
            spread=spread,
            clusters=clusters,
            blocks=clusters,
        ),
        within=within,
        between=between,
        tuning_seeds=tuning_seeds,
        treatment_picked=_shares(treatment_won, to_confirm(treatment_won)),
        control_picked=_shares(control_won, to_confirm(control_won)),
    )


def _confirmed(scores: Mapping[int, ArrayLike], won: Picks) -> dict[int, Floats]:
    asked = to_confirm(won)
    if missing := [name for name in asked if name not in scores]:
        raise ValueError(f"configuration {missing[0]} wins often and was not confirmed")
    return {name: np.asarray(scores[name], np.float64) for name in asked}


def _shares(won: Picks, configurations: tuple[int, ...]) -> dict[int, float]:
    return {name: float((won == name).mean()) for name in configurations}
