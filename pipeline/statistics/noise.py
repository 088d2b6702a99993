"""What pairing bought: spreads over seeds, and how far paired runs move together."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.statistics.samples import Sample, cluster_means, sample_of, spread_of

Spread = Annotated[float, Field(ge=0)]


class NoiseFloor(Record):
    """Standard deviations over seeds, in the metric's unit, and the correlation of partners.

    `unpaired_clusters` is how many seeds per arm, not in common, would give the
    precision of one pair. Absent where there is nothing to divide by: fewer than
    two seeds, or an arm, or all differences, without spread.
    """

    treatment: Spread | None
    control: Spread | None
    difference: Spread | None
    correlation: Annotated[float, Field(ge=-1, le=1)] | None
    unpaired_clusters: Spread | None
    clusters: Count


def noise_floor(treatment: ArrayLike, control: ArrayLike, *, seeds: ArrayLike) -> NoiseFloor:
    """Describe paired runs, by means over the blocks of each seed.

    Args:
        treatment: A figure of each block, shape (blocks,), finite.
        control: The same of its partner.
        seeds: Cluster of each block, shape (blocks,).

    Raises:
        ValueError: Shapes differ, nothing is given, or a value is not finite.
    """
    sides = (sample_of(values, seeds=seeds) for values in (treatment, control))
    (ours, _), (theirs, _) = map(cluster_means, sides)
    spreads = [spread_of(each) for each in (ours, theirs, ours - theirs)]
    correlation = unpaired = None
    if spreads[0] and spreads[1]:
        correlation = float(np.clip(np.corrcoef(ours, theirs)[0, 1], -1, 1))
        if spreads[2]:
            unpaired = (spreads[0] ** 2 + spreads[1] ** 2) / spreads[2] ** 2
    return NoiseFloor(
        treatment=spreads[0],
        control=spreads[1],
        difference=spreads[2],
        correlation=correlation,
        unpaired_clusters=unpaired,
        clusters=len(ours),
    )


def probability_better(sample: Sample) -> float | None:
    """Share of blocks on the claim's side, ties counted half; None without a comparable block.

    Descriptive. A bounded value counts where its sign is known, else as a tie.
    """
    if not sample.seeds:
        return None
    scores = [
        1.0 if low is not None and low > 0 else 0.0 if high is not None and high < 0 else 0.5
        for low, high in zip(sample.lows, sample.highs, strict=True)
    ]
    return float(np.mean(scores))
