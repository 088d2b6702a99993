"""Differences in errors: logs of error ratios, and differences of such differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.arguments import Scalar
from pipeline.claims.kind import Error, Setting, error_ratio, ratio, reads
from pipeline.statistics.pairs import (
    CONTROL,
    column,
    failure_sample,
    log_error_column,
    pair,
    score_of,
    trained,
)
from pipeline.statistics.samples import Floats, Sample, sample_of


@reads(error_ratio())
def log_error_ratio(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], metric: Error
) -> Sample:
    """Log of treatment's error over control's, block by block; positive is worse.

    A margin of 0.1 is 10% of the control's error. Blocks with a failed run are
    set aside and counted in `failures`.
    """
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    return sample_of(
        _log_ratios(both, metric),
        seeds=both["seed"],
        present=len(pairs),
        points=_points(both, metric),
        failures=failure_sample(pairs),
    )


@reads(ratio("error ratio", "lower", "higher"))
def difference_of_differences(
    treatment: pd.DataFrame,
    control: pd.DataFrame,
    *,
    block: Sequence[str],
    metric: Error,
    axis: Setting,
    at: Scalar | tuple[Scalar, ...],
    against: Scalar | tuple[Scalar, ...],
) -> Sample:
    """How much larger the log error ratio is at some values of an axis than at others, per seed.

    Args:
        treatment: Rows of one arm.
        control: Rows of the other.
        block: What a pair shares; `seed` and `axis` among them.
        metric: An error, such as `validation_error`.
        axis: Column such as `model` or `batch_size`.
        at: Its value or values where the effect is claimed.
        against: Its value or values it is compared with.

    Raises:
        ValueError: `axis` is not in `block`.
    """
    if axis not in block:
        raise ValueError(f"a block is within one {axis}; add {axis} to {', '.join(block)}")
    every = pair(treatment, control, block=block)  # other values of the axis are not missing
    pairs = every[every[axis].isin([*_values(at), *_values(against)])]
    both = trained(pairs)
    here = both[axis].isin(_values(at)).to_numpy(np.bool_)
    seeds, values = _contrast(both, _log_ratios(both, metric), here)
    _, points = _contrast(both, _points(both, metric), here)
    failures = failure_sample(pairs)
    if failures is not None:
        there = pairs[axis].isin(_values(at)).to_numpy(np.bool_)
        labels, shares = _contrast(pairs, np.array(failures.lows, np.float64), there)
        failures = sample_of(shares, seeds=labels).model_copy(update={"bound": 2.0})
    return sample_of(values, seeds=seeds, present=len(every), points=points, failures=failures)


def _log_ratios(pairs: pd.DataFrame, metric: str) -> Floats:
    logs: Floats = log_error_column(pairs, metric) - log_error_column(pairs, metric, CONTROL)
    return logs


def _points(pairs: pd.DataFrame, metric: str) -> Floats:
    score = score_of(metric)
    points: Floats = 100 * (column(pairs, score) - column(pairs, score + CONTROL))
    return points


def _contrast(
    pairs: pd.DataFrame, values: Floats, here: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[list[int], list[float]]:
    """Mean here minus mean elsewhere, for seeds that have both."""
    labels = pairs["seed"].to_numpy(np.int64)
    seeds = [int(s) for s in np.unique(labels[here]) if s in labels[~here]]
    return seeds, [
        float(values[here & (labels == s)].mean() - values[~here & (labels == s)].mean())
        for s in seeds
    ]


def _values(given: Scalar | tuple[Scalar, ...]) -> list[Scalar]:
    return list(given) if isinstance(given, tuple) else [given]
