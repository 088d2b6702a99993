"""Mean learning curves: what a winner does epoch by epoch, over its fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.arguments import Tally
from pipeline.content import Record


class Curve(Record):
    """Mean over seeds and one standard deviation to either side, one value per epoch.

    `runs` says how many seeds had a finite value in that epoch; the mean is
    absent without any, the band with fewer than two.
    """

    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    runs: tuple[Tally, ...]


def mean_curve(curves: Sequence[Sequence[float | None]]) -> Curve:
    """Average the curves of several seeds; a curve that stops early is absent from there on."""
    epochs = max((len(curve) for curve in curves), default=0)
    values = [
        np.array([curve[epoch] for curve in curves if epoch < len(curve)], dtype=np.float64)
        for epoch in range(epochs)
    ]
    finite = [column[np.isfinite(column)] for column in values]

    def away(deviations: float) -> tuple[float | None, ...]:
        return tuple(
            float(column.mean() + deviations * column.std(ddof=1)) if len(column) > 1 else None
            for column in finite
        )

    return Curve(
        mean=tuple(float(column.mean()) if len(column) else None for column in finite),
        low=away(-1),
        high=away(1),
        runs=tuple(len(column) for column in finite),
    )
