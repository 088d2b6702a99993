"""Stability map: which rates an arm stands, seed by seed, and how far beyond the plain one.

With recalibrated statistics: a rate that trains well and is spoiled by moving averages alone has
not failed.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.arguments import Tally
from pipeline.claims.kinds.largest_rate import largest_rate
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, by_cell, place_of
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import column, failed, with_statistics
from pipeline.statistics.runs import RATE
from pipeline.statistics.samples import sample_of
from pipeline.studies import Study

FEWEST_RATES = 3


class RateFigures(Record):
    """One arm at one rate: its runs, and the score (a share) of those that did not fail."""

    named_by: ClassVar = ("learning_rate",)

    learning_rate: float
    outcomes: Outcomes
    score: Estimate | None


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

    named_by: ClassVar = ("place",)

    place: Place
    reference: str
    arms: tuple[ArmStability, ...]


class Figures(Record):
    """The cells, in the order of the report."""

    cells: tuple[Stability, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every cell whose studies have a grid of learning rates."""
    reference = evidence.reference
    choosing = {  # a choice of rates for each arm is no grid that looks for its limit
        experiment
        for claim in evidence.claims
        if any(part.own == RATE for part in (*claim.parts, *claim.beside))
        for experiment in (claim.experiment, *claim.specifications.values())
    }
    gridded = [
        study
        for study in evidence.fixed
        if len(study.axes.get(RATE, ())) >= FEWEST_RATES and study.experiment not in choosing
    ]
    found = []
    for studies in by_cell(gridded):
        own = evidence.runs[evidence.runs["study"].isin([study.name for study in studies])]
        for batch_size in sorted(set(own["batch_size"])):
            rows = own[own["batch_size"] == batch_size]
            plain = rows[rows["arm"] == reference]
            found.append(
                Stability(
                    place=place_of(studies[0], batch_size=int(batch_size)),
                    reference=reference,
                    arms=tuple(
                        _arm(
                            rows[rows["arm"] == study.arm], plain, study, reference, evidence.level
                        )
                        for study in studies
                    ),
                )
            )
    return Figures(cells=tuple(found))


def _arm(
    rows: pd.DataFrame, plain: pd.DataFrame, study: Study, reference: str, level: float
) -> ArmStability:
    grid = sorted({rate for rate in study.axes[RATE] if isinstance(rate, float | int)})
    recalibrated = with_statistics(rows, "recalibrated")
    by_seed = recalibrated[~failed(recalibrated)].groupby("seed")[RATE].max()
    largest = tuple(
        float(by_seed[seed]) if seed in by_seed.index else None
        for seed in sorted(set(rows["seed"]))
    )
    sample = None
    if study.arm != reference and len(rows) and len(plain):
        block = ("seed", *sorted(study.axes.keys() - {RATE, "batch_size"}))
        control = with_statistics(plain, "recalibrated")
        sample = largest_rate(recalibrated, control, block=block, rate=RATE)
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
    recalibrated = with_statistics(rows, "recalibrated")
    standing = recalibrated[~failed(recalibrated)]
    scores = sample_of(column(standing, "validation_score"), seeds=standing["seed"])
    return RateFigures(
        learning_rate=rate,
        outcomes=outcomes(rows),
        score=estimate(scores, level=level),
    )
