"""How much dearer an arm's training step is than another's, and how sure we are.

The ratio is taken within a round, where both arms met the same machine; rounds are
the clusters of its interval.
"""

from __future__ import annotations

import math
from statistics import median

from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.samples import sample_of
from pipeline.statistics.step_costs import StepCost


def log_cost_ratio(cost: StepCost, arm: str, reference: str, *, level: float) -> Estimate | None:
    """Natural log of an arm's step over the reference's: the mean over rounds.

    It adds to a log ratio of steps (`intervals.sum_of`): steps to a target become seconds.
    None where one of the two was not measured.
    """
    if arm not in cost.arms or reference not in cost.arms:
        return None
    pairs = zip(cost.arms[arm].wall_seconds, cost.arms[reference].wall_seconds, strict=True)
    logs = [math.log(ours / theirs) for ours, theirs in pairs]
    return estimate(sample_of(logs, seeds=range(len(logs))), level=level)


def step_milliseconds(cost: StepCost, arm: str) -> float:
    """Return an arm's milliseconds per step on the wall, the median over rounds."""
    return 1000 * median(cost.arms[arm].wall_seconds)
