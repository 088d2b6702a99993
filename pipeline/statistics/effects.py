"""Paired effects: how far an arm moves a metric, and how sure we are.

The unit is a block: one cell run once per arm, with split, order and seed in
common, so that a difference isolates the normalization. The seed is the
cluster, and intervals are t intervals on the means of clusters: at 3 to 10
clusters bootstraps cover too little. Arrays in, numbers out.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import stats

from pipeline.arguments import Count
from pipeline.content import Record

Reading = Literal["higher", "lower", "undecided"]
Floats = NDArray[np.float64]


class Effect(Record):
    """A mean over seed clusters and its t interval.

    `low` and `high` are absent where the clusters say nothing about their own
    spread: one cluster, or clusters that all agree. `spread` is the standard
    deviation of the clusters' means, absent with one cluster.
    """

    estimate: float
    low: float | None
    high: float | None
    spread: Annotated[float, Field(ge=0)] | None
    clusters: Count
    blocks: Count

    @property
    def reading(self) -> Reading:
        """`undecided` where the interval is absent or covers zero."""
        if self.low is not None and self.low > 0:
            return "higher"
        return "lower" if self.high is not None and self.high < 0 else "undecided"


class Ratio(Record):
    """A ratio and its interval, estimated in logs."""

    estimate: float
    low: float | None
    high: float | None


def mean_effect(values: ArrayLike, *, seeds: ArrayLike, level: float) -> Effect:
    """Mean over seed clusters, with a t interval on the clusters' means.

    Args:
        values: One per block, shape (blocks,).
        seeds: Cluster label of each block, shape (blocks,).
        level: Of the interval, between 0 and 1.

    Raises:
        ValueError: Shapes differ, nothing is given, or a value is not finite: a
            diverged run is scored upstream and never dropped here.
    """
    scores, labels = _blocks(values, seeds)
    means = np.array([scores[labels == label].mean() for label in np.unique(labels)])
    center, count = float(means.mean()), len(means)
    spread = float(means.std(ddof=1)) if count > 1 else None
    half = None
    # Equal differences of rounded accuracies differ in their last bits: no spread all the same.
    if spread is not None and spread > 1e-12 * max(1.0, float(np.abs(means).max())):
        half = float(stats.t.ppf((1 + level) / 2, count - 1)) * spread / math.sqrt(count)
    return Effect(
        estimate=center,
        low=None if half is None else center - half,
        high=None if half is None else center + half,
        spread=spread,
        clusters=count,
        blocks=len(scores),
    )


def paired_effect(
    treatment: ArrayLike, control: ArrayLike, *, seeds: ArrayLike, level: float
) -> Effect:
    """Mean of treatment minus control, with a t interval over seed clusters.

    Args:
        treatment: Scores, shape (blocks,); same block order as `control`.
        control: Scores, shape (blocks,).
        seeds: Cluster label of each block, shape (blocks,).
        level: Of the interval, between 0 and 1.

    Raises:
        ValueError: Shapes differ, or a score is not finite.
    """
    treated, _ = _blocks(treatment, seeds)
    plain, _ = _blocks(control, seeds)
    return mean_effect(treated - plain, seeds=seeds, level=level)


def log_errors(accuracies: ArrayLike, *, examples: int) -> Floats:
    """Logs of error rates, (errors + 1/2) / (examples + 1), so that no error has a log too.

    The half is Jeffreys' prior for a share; it moves an error rate by less
    than half an example.

    Args:
        accuracies: Shares of `examples`, shape (blocks,).
        examples: How many were classified, at least 1.

    Raises:
        ValueError: An accuracy is outside 0 to 1, or there are no examples.
    """
    shares = np.asarray(accuracies, dtype=np.float64)
    if examples < 1:
        raise ValueError(f"an error rate needs at least 1 example, got {examples}")
    if not bool(np.all((shares >= 0) & (shares <= 1))):  # refuses NaN as well
        raise ValueError("an accuracy is a share from 0 to 1")
    logs: Floats = np.log(((1 - shares) * examples + 0.5) / (examples + 1))
    return logs


def exponential(effect: Effect) -> Ratio:
    """Return the ratio that an effect on logs stands for."""
    return Ratio(
        estimate=math.exp(effect.estimate),
        low=None if effect.low is None else math.exp(effect.low),
        high=None if effect.high is None else math.exp(effect.high),
    )


def _blocks(values: ArrayLike, seeds: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    scores, labels = np.asarray(values, dtype=np.float64), np.asarray(seeds)
    if scores.ndim != 1 or scores.shape != labels.shape:
        raise ValueError(f"one score per block, got {scores.shape} for {labels.shape} seeds")
    if not len(scores):
        raise ValueError("an effect needs at least one block")
    if not bool(np.isfinite(scores).all()):
        raise ValueError("a score is not finite; score a diverged run before comparing it")
    return scores, labels
