"""Tables of fixed settings: what each of an experiment's cells came to, arm by arm."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.arguments import Count, Scalar
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.records import Study
from pipeline.statistics.effects import Effect, mean_effect
from pipeline.statistics.pairs import RECALIBRATED, marked, select

Tally = Annotated[int, Field(ge=0)]


class Setting(Record):
    """One arm at one combination of its axes' values.

    Accuracies (shares, of validation images) are means over the runs that did not
    diverge; recalibrated is absent for an arm without batch statistics. The
    changes of outputs are the largest over seeds, absent where not measured.
    """

    named_by: ClassVar = ("arm", "values")

    arm: str
    values: dict[str, Scalar]
    planned: Count
    runs: Tally
    failed: Tally
    diverged: Tally
    moving: Effect | None
    recalibrated: Effect | None
    parameters: int | None
    change_training: float | None
    change_inference: float | None


class Factors(Record):
    """The settings of one cell of an experiment, in order of arms and axes."""

    named_by: ClassVar = ("experiment", "dataset", "model", "optimizer")

    experiment: str
    dataset: str
    model: str
    optimizer: str
    axes: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: tuple[Setting, ...]


class Figures(Record):
    """The cells, in the order of the report."""

    cells: tuple[Factors, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every cell whose settings were fixed before the runs."""
    table = evidence.runs if evidence.runs.empty else marked(evidence.runs)
    cells: dict[str, list[Study]] = {}
    for study in evidence.fixed:
        if not study.design.searches:
            cells.setdefault(study.cell_name, []).append(study)
    return Figures(cells=tuple(_cell(own, table, evidence.level) for own in cells.values()))


def _cell(own: list[Study], table: pd.DataFrame, level: float) -> Factors:
    return Factors(
        experiment=own[0].experiment,
        dataset=own[0].dataset,
        model=own[0].model_name,
        optimizer=own[0].optimizer_name,
        axes=tuple(dict.fromkeys(name for study in own for name in study.axes)),
        seeds=own[0].seeds,
        settings=tuple(
            _setting(table, study, values, level)
            for study in own
            for values in study.combinations()
        ),
    )


def _setting(table: pd.DataFrame, study: Study, values: dict[str, Scalar], level: float) -> Setting:
    rows = table[table["study"] == study.name] if len(table) else table
    rows = select(rows, values) if len(rows) else rows
    finite = rows[~rows["diverged"].astype(bool)] if len(rows) else rows

    def mean(metric: str) -> Effect | None:
        if metric not in finite or finite[metric].isna().all():
            return None
        known = finite[finite[metric].notna()]
        scores = known[metric].to_numpy(np.float64)
        return mean_effect(scores, seeds=known["seed"].to_numpy(), level=level)

    def largest(metric: str) -> float | None:
        if metric not in finite or finite[metric].isna().all():
            return None
        return float(finite[metric].max())

    count = largest("parameters")
    return Setting(
        arm=study.arm,
        values=values,
        planned=len(study.seeds),
        runs=len(rows),
        failed=int(rows["failed"].astype(bool).sum()) if len(rows) else 0,
        diverged=int(rows["diverged"].astype(bool).sum()) if len(rows) else 0,
        moving=mean("validation_score"),
        recalibrated=mean(f"validation_score{RECALIBRATED}"),
        parameters=None if count is None else int(count),
        change_training=largest("output_change_training"),
        change_inference=largest("output_change_inference"),
    )
