"""Test examples are a sample, too: an interval over seeds and examples at once.

The same examples are answered by every run, so that their luck does not average
out over seeds. Each run's outcomes let both be estimated: a two-way
layout of seeds by examples without repetition, both drawn at random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipeline.records import Answer
from pipeline.statistics.intervals import Estimate, around, t_quantile
from pipeline.tasks.scoring import Floats, scoring_of


def crossed_estimate(treatment: ArrayLike, control: ArrayLike, *, level: float) -> Estimate | None:
    """Difference of scores in points, with an interval for other seeds and other examples.

    The variance of the mean is that of seeds' means plus that of examples' means,
    less the cell's own, which both contain; at least the larger of the two. The
    degrees of freedom are the fewer of the two, less one.

    Args:
        treatment: Each example's part of the score, from 0 to 1, shape (seeds, examples).
        control: The same for the other arm, on the same examples and seeds.
        level: Of the interval, between 0 and 1.

    Returns:
        None with fewer than two seeds or examples.

    Raises:
        ValueError: Shapes differ.
    """
    ours, theirs = np.asarray(treatment, np.float64), np.asarray(control, np.float64)
    if ours.ndim != 2 or ours.shape != theirs.shape:
        raise ValueError(f"correctness is seeds by examples, got {ours.shape} and {theirs.shape}")
    apart = 100 * (ours - theirs)
    seeds, examples = apart.shape
    if min(seeds, examples) < 2:
        return None
    by_seed, by_example, center = apart.mean(axis=1), apart.mean(axis=0), float(apart.mean())
    rest = apart - by_seed[:, None] - by_example[None, :] + center
    cell = float((rest**2).sum()) / ((seeds - 1) * (examples - 1)) / (seeds * examples)
    parts = float(by_seed.var(ddof=1)) / seeds, float(by_example.var(ddof=1)) / examples
    variance = max(parts[0] + parts[1] - cell, *parts)
    return around(
        center,
        t_quantile(min(seeds, examples) - 1, level=level) * math.sqrt(variance),
        level=level,
        spread=float(by_seed.std(ddof=1)),
        clusters=seeds,
        blocks=seeds,
    )


def outcomes_by_seed(answers: Sequence[Answer], examples: int) -> dict[int, Floats]:
    """Each test example's part of the score, shape (examples,), by seed; a diverged run has none.

    Args:
        answers: Confirmed answers.
        examples: How many test examples there are.
    """
    return {
        answer.trial.seed: scoring_of(answer.trial.task).unpacked(outcomes["test"], examples)
        for answer in answers
        if "test" in (outcomes := answer.result.outcomes)
    }
