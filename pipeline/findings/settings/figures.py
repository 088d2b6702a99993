"""Tables of fixed settings: what each of an experiment's cells came to, arm by arm."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from pipeline.arguments import Count, Scalar
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, by_cell, place_of
from pipeline.records import Task
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import RECALIBRATED, known_sample, select
from pipeline.studies import Study


class Setting(Record):
    """One arm at one combination of its axes' values.

    Scores (shares, of validation examples) are means over the runs that did not
    diverge; recalibrated is absent for an arm without batch statistics. The
    changes of outputs are the largest over seeds, absent where not measured.
    """

    named_by: ClassVar = ("arm", "values")

    arm: str
    values: dict[str, Scalar]
    planned: Count
    outcomes: Outcomes
    moving: Estimate | None
    recalibrated: Estimate | None
    parameters: int | None
    change_training: float | None
    change_inference: float | None


class Factors(Record):
    """The settings of one cell of an experiment, in order of arms and axes."""

    named_by: ClassVar = ("place",)

    place: Place
    task: Task
    axes: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: tuple[Setting, ...]


class Figures(Record):
    """The cells, in the order of the report."""

    cells: tuple[Factors, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every cell whose settings were fixed before the runs."""
    cells = by_cell(study for study in evidence.fixed if not study.design.searches)
    return Figures(cells=tuple(_cell(own, evidence.runs, evidence.level) for own in cells))


def _cell(own: list[Study], table: pd.DataFrame, level: float) -> Factors:
    return Factors(
        place=place_of(own[0]),
        task=own[0].task,
        axes=tuple(dict.fromkeys(name for study in own for name in study.axes)),
        seeds=own[0].seeds,
        settings=tuple(
            _setting(table, study, values, level)
            for study in own
            for values in study.combinations()
        ),
    )


def _setting(table: pd.DataFrame, study: Study, values: dict[str, Scalar], level: float) -> Setting:
    rows = select(table, {"study": study.name, **values})
    fixed = sum(each.values == values for each in study.asked)
    finite = rows[~rows["diverged"].astype(bool)]

    def mean(metric: str) -> Estimate | None:
        return estimate(known_sample(finite, metric), level=level)

    def largest(metric: str) -> float | None:
        if metric not in finite or finite[metric].isna().all():
            return None
        return float(finite[metric].max())

    count = largest("parameters")
    return Setting(
        arm=study.arm,
        values=values,
        planned=max(fixed, len(rows)),  # more where the arm chose this value
        outcomes=outcomes(rows),
        moving=mean("validation_score"),
        recalibrated=mean(f"validation_score{RECALIBRATED}"),
        parameters=None if count is None else int(count),
        change_training=largest("output_change_training"),
        change_inference=largest("output_change_inference"),
    )
