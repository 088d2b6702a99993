"""The gap between training and inference, step by step and momentum by momentum.

Momentum never affects batch norm's training, so that one run carries moving averages for every
momentum along: the lines of a trajectory are of the same training, perfectly paired.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import pandas as pd

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, place_of
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.runs import of_study, sequence
from pipeline.statistics.samples import sample_of
from pipeline.studies import Study

Kind = Literal["batch", "recalibrated", "moving"]


class Line(Record):
    """Mean validation score (a share) over seeds under one kind of statistics, step by step.

    `momentum` is that of moving averages, absent for the other kinds. A point is
    absent where no run has a finite value.
    """

    named_by: ClassVar = ("kind", "momentum")

    kind: Kind
    momentum: float | None
    points: tuple[Estimate | None, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """The means alone."""
        return tuple(None if point is None else point.value for point in self.points)


class Trajectory(Record):
    """One arm's lines; `steps` says after how many steps each point was taken."""

    named_by: ClassVar = ("place", "arm")

    place: Place
    arm: str
    batch_size: Count
    seeds: Count
    steps: tuple[int, ...]
    lines: tuple[Line, ...]


class Figures(Record):
    """The trajectories, in the order of the report."""

    trajectories: tuple[Trajectory, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every study whose runs carry further momenta along and measure all statistics."""
    found = (
        _trajectory(of_study(evidence.runs, study.name), study, evidence.level)
        for study in evidence.fixed
        if study.probes.shadow_momenta
        and {"batch", "recalibrated"} <= {*study.probes.statistics_curves}
        and not study.axes
    )
    return Figures(trajectories=tuple(each for each in found if each is not None))


def _trajectory(runs: pd.DataFrame, study: Study, level: float) -> Trajectory | None:
    if runs.empty or "validation_score_batch_curve" not in runs:
        return None
    if not any(map(sequence, runs["validation_score_batch_curve"])):
        return None  # an arm without batch statistics
    steps = max(runs["steps"], key=len)

    def line(kind: Kind, column: str, momentum: float | None = None) -> Line:
        curves = runs[column] if column in runs else pd.Series([()] * len(runs))
        places = range(len(steps))
        points = tuple(_point(curves, runs["seed"], place, level) for place in places)
        return Line(kind=kind, momentum=momentum, points=points)

    return Trajectory(
        place=place_of(study),
        arm=study.arm,
        batch_size=study.batch_size,
        seeds=len(runs),
        steps=steps,
        lines=(
            line("batch", "validation_score_batch_curve"),
            line("recalibrated", "validation_score_curve_recalibrated"),
            *(
                line("moving", f"validation_score_momentum_{momentum:g}_curve", momentum)
                for momentum in study.probes.shadow_momenta
            ),
        ),
    )


def _point(curves: pd.Series, seeds: pd.Series, place: int, level: float) -> Estimate | None:
    known = [
        (value, seed)
        for curve, seed in zip(map(sequence, curves), seeds, strict=True)
        if place < len(curve) and (value := curve[place]) is not None and math.isfinite(value)
    ]
    values, labels = zip(*known, strict=True) if known else ((), ())
    return estimate(sample_of(values, seeds=labels), level=level)
