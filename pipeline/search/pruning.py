"""Where a trial is stopped: under a quantile of what earlier trials had reached by that epoch.

The thresholds are fixed when a trial is proposed and travel in its question,
so that whether it is stopped depends on nobody else's timing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.records import Result

CURVE = "validation_score"


def thresholds(
    results: Sequence[Result], *, epochs: int, quantile: float, after: int, minimum: int
) -> tuple[float | None, ...]:
    """Return the threshold of each epoch, empty when no epoch has one.

    Args:
        results: The results that the proposal may know.
        epochs: Length of the trial.
        quantile: Share of the earlier trials that count as hopeless, in (0, 1).
        after: Epochs that every trial is given.
        minimum: How many trials must have reached an epoch for it to have a threshold.

    The last epoch has none: a trial that got there is done.
    """
    found: list[float | None] = []
    for epoch in range(epochs):
        reached = [
            score
            for result in results
            if len(curve := result.curves[CURVE]) > epoch and (score := curve[epoch]) is not None
        ]
        known = after <= epoch < epochs - 1 and len(reached) >= minimum
        found.append(float(f"{np.quantile(reached, quantile):.6g}") if known else None)
    return tuple(found) if any(each is not None for each in found) else ()
