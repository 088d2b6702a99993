"""How the log error ratio grows with depth, per seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.claims.kind import Error, Setting, ratio, reads
from pipeline.statistics.pairs import (
    CONTROL,
    column,
    failure_sample,
    log_error_column,
    pair,
    trained,
)
from pipeline.statistics.samples import Floats, Sample, sample_of


@reads(ratio("error ratio per doubling", "lower", "higher"), failures="points per doubling")
def slope_per_doubling(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    metric: Error,
    axis: Setting,
) -> Sample:
    """Least-squares slope of the log error ratio against log2 of depth, one value per seed.

    Depths at which a run failed are left out of a seed's slope; a seed with fewer
    than two depths left has none. `failures` is the slope of the difference in
    failures, over all depths.

    Args:
        treatment: Rows of one arm.
        control: Rows of the other.
        block: What a pair shares; `seed` and `axis` among them.
        metric: An error, such as `validation_error`.
        axis: Column of depths.

    Raises:
        ValueError: `axis` is not in `block`.
    """
    if axis not in block:
        raise ValueError(f"a block is of one {axis}; add {axis} to {', '.join(block)}")
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    ratios = log_error_column(both, metric) - log_error_column(both, metric, CONTROL)
    seeds, slopes = _slopes(both, ratios, axis)
    short = pairs["seed"].nunique() - len(seeds)
    notes = (f"{short} seeds have fewer than two depths at which both trained",) if short else ()
    failures = failure_sample(pairs)
    if failures is not None:
        labels, rises = _slopes(pairs, np.array(failures.lows, np.float64), axis)
        failures = sample_of(rises, seeds=labels) if labels else None
    return sample_of(slopes, seeds=seeds, present=len(pairs), failures=failures, notes=notes)


def _slopes(pairs: pd.DataFrame, values: Floats, axis: str) -> tuple[list[int], list[float]]:
    """Slope against doublings for each seed that has two of them."""
    labels = pairs["seed"].to_numpy(np.int64)
    doublings = np.log2(column(pairs, axis))
    seeds, slopes = [], []
    for seed in np.unique(labels):
        own = labels == seed
        away = doublings[own] - doublings[own].mean()
        if (away**2).sum() > 0:
            seeds.append(int(seed))
            slopes.append(float((away * values[own]).sum() / (away**2).sum()))
    return seeds, slopes
