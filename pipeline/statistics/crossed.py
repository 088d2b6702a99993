"""Test images are a sample, too: an interval over seeds and images at once.

The same images are classified by every run, so that their luck does not average
out over seeds. Each run's correctness bits let both be estimated: a two-way
layout of seeds by images without repetition, both drawn at random.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pipeline.statistics.intervals import Estimate


def crossed_estimate(treatment: ArrayLike, control: ArrayLike, *, level: float) -> Estimate | None:
    """Difference of accuracy in points, with an interval for other seeds and other images.

    The variance of the mean is that of seeds' means plus that of images' means,
    less the cell's own, which both contain; at least the larger of the two. The
    degrees of freedom are the fewer of the two, less one.

    Args:
        treatment: Right (1) or wrong (0), shape (seeds, images).
        control: The same for the other arm, on the same images and seeds.
        level: Of the interval, between 0 and 1.

    Returns:
        None with fewer than two seeds or images.

    Raises:
        ValueError: Shapes differ.
    """
    ours, theirs = np.asarray(treatment, np.float64), np.asarray(control, np.float64)
    if ours.ndim != 2 or ours.shape != theirs.shape:
        raise ValueError(f"correctness is seeds by images, got {ours.shape} and {theirs.shape}")
    apart = 100 * (ours - theirs)
    seeds, images = apart.shape
    if min(seeds, images) < 2:
        return None
    by_seed, by_image, center = apart.mean(axis=1), apart.mean(axis=0), float(apart.mean())
    rest = apart - by_seed[:, None] - by_image[None, :] + center
    cell = float((rest**2).sum()) / ((seeds - 1) * (images - 1)) / (seeds * images)
    parts = float(by_seed.var(ddof=1)) / seeds, float(by_image.var(ddof=1)) / images
    variance = max(parts[0] + parts[1] - cell, *parts)
    half = None
    if variance > 0:
        freedom = min(seeds, images) - 1
        half = float(stats.t.ppf((1 + level) / 2, freedom)) * math.sqrt(variance)
    return Estimate(
        value=center,
        known="exactly",
        low=None if half is None else center - half,
        high=None if half is None else center + half,
        level=level,
        spread=float(by_seed.std(ddof=1)),
        clusters=seeds,
        blocks=seeds,
        method="none" if half is None else "t",
    )
