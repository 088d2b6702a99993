"""What an effect is estimated from: one value per block, each in the cluster of its seed.

A value may be known in part only. A run that did not reach its target within
its budget, or that still trains at the grid's largest rate, gives a bound: its
value lies between `low` and `high`, and None stands for no bound on that side.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from pipeline.arguments import Tally
from pipeline.content import Record

Floats = NDArray[np.float64]
Bounds = tuple[float | None, ...]
LAST_BITS = 1e-12  # equal differences of rounded scores differ by less than that


class Sample(Record):
    """The blocks of one effect.

    `present` counts the blocks that ran in both arms, failed ones included;
    `lows` and `highs` hold those that can be compared. `points` says the same
    differences in hundredths of the score. `failures` is there when a run failed:
    each present block's difference in failures, with the sign of a loss.
    `bound` is the largest absolute value that can occur, where there is one;
    `is_count` says that values are whole by nature, so that clusters may well agree;
    `mcnemar` the exact p value of paired failures, which decides nothing.
    """

    seeds: tuple[int, ...]
    lows: Bounds
    highs: Bounds
    present: Tally
    points: tuple[float, ...] | None
    bound: Annotated[float, Field(gt=0)] | None
    is_count: bool
    failures: Sample | None
    mcnemar: float | None
    notes: tuple[str, ...]

    @model_validator(mode="after")
    def _has_a_value_per_block(self) -> Self:
        sizes = {len(self.seeds), len(self.lows), len(self.highs)}
        if self.points is not None:
            sizes.add(len(self.points))
        if len(sizes) > 1:
            raise ValueError("a sample has one value per block")
        if self.present < len(self.seeds):
            raise ValueError("a block that is compared is present")
        return self

    @property
    def is_censored(self) -> bool:
        """Some value is a bound, not a number."""
        return self.lows != self.highs or None in self.lows


def sample_of(
    values: ArrayLike,
    *,
    seeds: ArrayLike,
    present: int | None = None,
    points: ArrayLike | None = None,
    failures: Sample | None = None,
    is_count: bool = False,
    notes: tuple[str, ...] = (),
) -> Sample:
    """Make a sample of values that are all known.

    Args:
        values: Shape (blocks,), finite.
        seeds: Cluster of each block, shape (blocks,).
        present: Blocks that ran, failed ones included; as many as values when None.
        points: The same differences in hundredths of the score.
        failures: Differences in failures, where a run failed.
        is_count: Values are whole by nature.
        notes: What a reader has to know beside the interval.

    Raises:
        ValueError: A value is not finite: a diverged run is set aside upstream.
    """
    exact = _finite(values)
    labels = tuple(int(seed) for seed in np.asarray(seeds))
    return Sample(
        seeds=labels,
        lows=exact,
        highs=exact,
        present=len(labels) if present is None else present,
        points=None if points is None else _finite(points),
        bound=None,
        is_count=is_count,
        failures=failures,
        mcnemar=None,
        notes=notes,
    )


def bounded_sample(
    lows: ArrayLike, highs: ArrayLike, *, seeds: ArrayLike, notes: tuple[str, ...] = ()
) -> Sample:
    """Make a sample of values between bounds; an infinite bound is none.

    Raises:
        ValueError: A low bound lies above its high one, or a bound is NaN.
    """
    below, above = np.asarray(lows, np.float64), np.asarray(highs, np.float64)
    if not bool(np.all(below <= above)):  # refuses NaN as well
        raise ValueError("a low bound lies above its high bound, or is not a number")
    labels = tuple(int(seed) for seed in np.asarray(seeds))
    return Sample(
        seeds=labels,
        lows=tuple(float(value) if math.isfinite(value) else None for value in below),
        highs=tuple(float(value) if math.isfinite(value) else None for value in above),
        present=len(labels),
        points=None,
        bound=None,
        is_count=False,
        failures=None,
        mcnemar=None,
        notes=notes,
    )


def oriented(sample: Sample, asserts: Literal["greater", "less"]) -> Sample:
    """Turn a sample so that what a claim asserts is positive."""
    if asserts == "greater":
        return sample
    return sample.model_copy(
        update={
            "lows": _negated(sample.highs),
            "highs": _negated(sample.lows),
            "points": None if sample.points is None else tuple(-each for each in sample.points),
            "failures": None if sample.failures is None else oriented(sample.failures, "less"),
        }
    )


def cluster_means(sample: Sample) -> tuple[Floats, Floats]:
    """Mean low and mean high bound of each seed, in order of seeds, shape (clusters,) each."""
    labels = np.array(sample.seeds)
    lows = np.array([-math.inf if low is None else low for low in sample.lows], np.float64)
    highs = np.array([math.inf if high is None else high for high in sample.highs], np.float64)
    seeds = np.unique(labels)
    return (
        np.array([lows[labels == seed].mean() for seed in seeds], np.float64),
        np.array([highs[labels == seed].mean() for seed in seeds], np.float64),
    )


def spread_of(means: Floats) -> float | None:
    """Standard deviation of clusters' means; None with fewer than two, 0 where all agree."""
    if len(means) < 2:
        return None
    spread = float(means.std(ddof=1))
    return spread if spread > smallest_spread(means) else 0.0


def smallest_spread(values: Floats) -> float:
    """At most this is no spread: values that differ in their last bits alone agree."""
    return LAST_BITS * max(1.0, float(np.abs(values).max(initial=0.0)))


def _finite(values: ArrayLike) -> tuple[float, ...]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not bool(np.isfinite(array).all()):
        raise ValueError("a sample's values are one finite number per block")
    return tuple(array.tolist())


def _negated(bounds: Bounds) -> Bounds:
    return tuple(None if each is None else -each for each in bounds)
