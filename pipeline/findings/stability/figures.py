"""Stability map: which rates an arm stands, seed by seed, and how far beyond the plain one.

With recalibrated statistics: a rate that trains well and is spoiled by moving averages alone has
not failed.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.arguments import Count
from pipeline.claims.kinds.largest_rate import largest_rate
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.records import Study
from pipeline.statistics.effects import Effect, mean_effect
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import marked, with_statistics
from pipeline.statistics.runs import RATE

FEWEST_RATES = 3
Tally = Annotated[int, Field(ge=0)]


class RateFigures(Record):
    """One arm at one rate: how many runs failed, and the accuracy (a share) of the others."""

    named_by: ClassVar = ("learning_rate",)

    learning_rate: float
    runs: Tally
    failed: Tally
    diverged: Tally
    accuracy: Effect | None


class ArmStability(Record):
    """One arm over the grid of rates.

    `largest` is each seed's largest rate that does not fail, None where every rate
    does; `at_the_end` of them are the grid's last, so that the arm may stand
    more. `decades` is how much higher than the reference's it is, log10, in the
    order of seeds paired; absent for the reference itself.
    """

    named_by: ClassVar = ("arm",)

    arm: str
    rates: tuple[RateFigures, ...]
    largest: tuple[float | None, ...]
    median_largest: float | None
    at_the_end: Tally
    decades: Estimate | None
    notes: tuple[str, ...]


class Stability(Record):
    """The arms of one cell at one batch size."""

    named_by: ClassVar = ("experiment", "dataset", "model", "optimizer", "batch_size")

    experiment: str
    dataset: str
    model: str
    optimizer: str
    batch_size: Count
    reference: str
    arms: tuple[ArmStability, ...]


class Figures(Record):
    """The cells, in the order of the report."""

    cells: tuple[Stability, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every cell whose studies have a grid of learning rates."""
    reference, level = evidence.reference, evidence.level
    if evidence.runs.empty:
        return Figures(cells=())
    table = marked(with_statistics(evidence.runs, "recalibrated"))
    cells: dict[str, list[Study]] = {}
    for study in evidence.fixed:
        if len(study.axes.get(RATE, ())) >= FEWEST_RATES:
            cells.setdefault(study.cell_name, []).append(study)
    found = []
    for of_cell in cells.values():
        first = of_cell[0]
        own = table[table["study"].isin([study.name for study in of_cell])]
        for batch_size in sorted(set(own["batch_size"])):
            rows = own[own["batch_size"] == batch_size]
            plain = rows[rows["arm"] == reference]
            found.append(
                Stability(
                    experiment=first.experiment,
                    dataset=first.dataset,
                    model=first.model_name,
                    optimizer=first.optimizer_name,
                    batch_size=int(batch_size),
                    reference=reference,
                    arms=tuple(
                        _arm(rows[rows["arm"] == study.arm], plain, study, reference, level)
                        for study in of_cell
                    ),
                )
            )
    return Figures(cells=tuple(found))


def _arm(
    rows: pd.DataFrame, plain: pd.DataFrame, study: Study, reference: str, level: float
) -> ArmStability:
    grid = sorted({rate for rate in study.axes[RATE] if isinstance(rate, float | int)})
    standing = rows[~rows["failed"].astype(bool)]
    by_seed = standing.groupby("seed")[RATE].max()
    largest = tuple(
        float(by_seed[seed]) if seed in by_seed.index else None
        for seed in sorted(set(rows["seed"]))
    )
    sample = None
    if study.arm != reference and len(rows) and len(plain):
        block = ("seed", *sorted(study.axes.keys() - {RATE, "batch_size"}))
        sample = largest_rate(rows, plain, block=block, rate=RATE)
    known = [-math.inf if rate is None else rate for rate in largest]
    middle = float(np.median(known)) if known else -math.inf
    return ArmStability(
        arm=study.arm,
        rates=tuple(_at(rows[rows[RATE] == rate], float(rate), level) for rate in grid),
        largest=largest,
        median_largest=middle if math.isfinite(middle) else None,
        at_the_end=sum(rate == grid[-1] for rate in largest),
        decades=estimate(sample, level=level) if sample is not None else None,
        notes=sample.notes if sample is not None else (),
    )


def _at(rows: pd.DataFrame, rate: float, level: float) -> RateFigures:
    failed = rows["failed"].to_numpy(np.bool_)
    standing = rows[~failed]
    accuracy = None
    if len(standing):
        scores = standing["validation_score"].to_numpy(np.float64)
        accuracy = mean_effect(scores, seeds=standing["seed"].to_numpy(), level=level)
    return RateFigures(
        learning_rate=rate,
        runs=len(rows),
        failed=int(failed.sum()),
        diverged=int(rows["diverged"].astype(bool).sum()),
        accuracy=accuracy,
    )
