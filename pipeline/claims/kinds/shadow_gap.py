"""What slower moving averages cost at inference after so many steps: two shadows of one run.

The column `steps` says after which step each value of a curve was taken; a value
that was not finite is None, and a curve that ends early is shorter.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.claims.kind import Curve, reads, score_points
from pipeline.statistics.pairs import pair
from pipeline.statistics.runs import sequence
from pipeline.statistics.samples import Sample, sample_of


@reads(score_points())
def shadow_gap(
    treatment: pd.DataFrame,
    *,
    block: Sequence[str],
    slow: Curve,
    fast: Curve,
    step: int,
) -> Sample:
    """Gap of slow moving averages minus gap of fast ones after a step, in points.

    Both are shadows of one run: its training score with batch statistics
    cancels, and the gaps' difference is the fast score minus the slow one.

    Args:
        treatment: Rows of one arm.
        block: What tells its runs apart.
        slow: Curve of the score under the averages with the higher momentum.
        fast: Curve under those with the lower momentum.
        step: After which it is read off.
    """
    rows = pair(treatment, treatment, block=block)
    values, seeds = [], []
    for seed, steps, slower, faster in zip(
        rows["seed"], rows["steps"], rows[slow], rows[fast], strict=True
    ):
        place = steps.index(step) if step in steps else len(steps)
        below, above = (
            curve[place] if place < len(curve) else None
            for curve in (sequence(slower), sequence(faster))
        )
        if below is not None and above is not None:
            values.append(100 * (above - below))
            seeds.append(int(seed))
    lost = len(rows) - len(values)
    notes = (f"{lost} of {len(rows)} runs have no finite value after {step} steps",) if lost else ()
    return sample_of(values, seeds=seeds, present=len(rows), notes=notes)
