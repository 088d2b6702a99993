"""How much higher a learning rate one arm stands than another, in decades, per seed.

The largest rate that an arm stands lies between the grid's largest that does not
fail and the next, which does. Where it is the grid's last, the arm may stand any
more; where every rate fails, it stands less than the first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.claims.kind import Setting, reads, times
from pipeline.statistics.pairs import column, pair
from pipeline.statistics.samples import Sample, bounded_sample


@reads(times("learning rate"))
def largest_rate(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], rate: Setting
) -> Sample:
    """log10 of the largest rate that treatment stands over control's, between bounds.

    Args:
        treatment: Rows of one arm, over a grid of rates.
        control: Rows of the other, over the same grid.
        block: What all runs of a seed's grid share; not the rate.
        rate: The rate's column.

    Raises:
        ValueError: The arms have different grids.
    """
    runs = pair(treatment, control, block=[*block, rate])
    grid = np.unique(column(treatment, rate))
    if (
        len(treatment)
        and len(control)
        and grid.tolist() != np.unique(column(control, rate)).tolist()
    ):
        raise ValueError("the arms were run on different grids of rates")
    lows: list[float] = []
    highs: list[float] = []
    seeds: list[int] = []
    ends = {"treatment": 0, "control": 0}
    for _, rows in runs.groupby(list(block), sort=True):
        if len(rows) < len(grid):  # a hole in the grid could hide the largest rate
            continue
        ours = _bounds(rows, "failed", rate, grid)
        theirs = _bounds(rows, "failed_control", rate, grid)
        ends["treatment"] += math.isinf(ours[1])
        ends["control"] += math.isinf(theirs[1])
        lows.append(ours[0] - theirs[1])
        highs.append(ours[1] - theirs[0])
        seeds.append(int(rows["seed"].iloc[0]))
    notes = tuple(
        f"{count} of {len(seeds)}: {side} still trains at the grid's end, {grid[-1]:g}"
        for side, count in ends.items()
        if count
    )
    return bounded_sample(lows, highs, seeds=seeds, notes=notes)


def _bounds(
    rows: pd.DataFrame, failed: str, rate: str, grid: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[float, float]:
    standing = column(rows, rate)[~rows[failed].to_numpy(np.bool_)]
    if not len(standing):
        return -math.inf, math.log10(grid[0])
    largest = float(standing.max())
    further = grid[grid > largest]
    return math.log10(largest), math.log10(further[0]) if len(further) else math.inf
