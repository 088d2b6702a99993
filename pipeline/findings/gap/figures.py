"""The gap between training and inference, step by step and momentum by momentum.

Momentum never affects batch norm's training, so that one run carries moving averages for every
momentum along: the lines of a trajectory are of the same training, perfectly paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
Curves = Sequence[Sequence[float | None]]
KERAS_DEFAULT = 0.99  # the momentum that a user gets without asking


class Line(Record):
    """Mean validation score (a share) over seeds under one kind of statistics, step by step.

    `momentum` is that of moving averages, absent for the other kinds. A point is
    absent where no run has a finite value. `gains` are what recalibration adds to moving averages,
    run by run; empty for the other kinds.
    """

    named_by: ClassVar = ("kind", "momentum")

    kind: Kind
    momentum: float | None
    points: tuple[Estimate | None, ...]
    gains: tuple[Estimate | None, ...]

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

    def line(self, kind: Kind) -> Line | None:
        """Return the first line of a kind."""
        return next((line for line in self.lines if line.kind == kind), None)

    @property
    def moving(self) -> Line | None:
        """The averages at Keras's default, else the slowest ones."""
        lines = [line for line in self.lines if line.momentum is not None]
        default = [line for line in lines if line.momentum == KERAS_DEFAULT]
        return max(default or lines, key=lambda line: line.momentum or 0, default=None)


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
    seeds = tuple(int(seed) for seed in runs["seed"])

    def means(curves: Curves) -> tuple[Estimate | None, ...]:
        return tuple(_point(curves, seeds, place, level) for place in range(len(steps)))

    def moving(momentum: float) -> Line:
        curves = _curves(runs, f"validation_score_momentum_{momentum:g}_curve")
        gains = means(_below(curves, recalibrated))
        return Line(kind="moving", momentum=momentum, points=means(curves), gains=gains)

    batch = _curves(runs, "validation_score_batch_curve")
    recalibrated = _curves(runs, "validation_score_curve_recalibrated")
    return Trajectory(
        place=place_of(study),
        arm=study.arm,
        batch_size=study.batch_size,
        seeds=len(runs),
        steps=steps,
        lines=(
            Line(kind="batch", momentum=None, points=means(batch), gains=()),
            Line(kind="recalibrated", momentum=None, points=means(recalibrated), gains=()),
            *map(moving, study.probes.shadow_momenta),
        ),
    )


def _curves(runs: pd.DataFrame, column: str) -> Curves:
    """Return each run's finite values; None where there is none, shorter where a curve ends."""
    if column not in runs:
        return [()] * len(runs)
    return [
        tuple(value if value is not None and math.isfinite(value) else None for value in curve)
        for curve in map(sequence, runs[column])
    ]


def _below(curves: Curves, others: Curves) -> Curves:
    """Return how far each curve lies below another of the same run."""
    return [
        tuple(
            None if ours is None or theirs is None else theirs - ours
            for ours, theirs in zip(curve, other, strict=False)  # the shorter one says how far
        )
        for curve, other in zip(curves, others, strict=True)
    ]


def _point(curves: Curves, seeds: Sequence[int], place: int, level: float) -> Estimate | None:
    known = [
        (value, seed)
        for curve, seed in zip(curves, seeds, strict=True)
        if place < len(curve) and (value := curve[place]) is not None
    ]
    values, labels = zip(*known, strict=True) if known else ((), ())
    return estimate(sample_of(values, seeds=labels), level=level)
