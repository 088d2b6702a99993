"""Time to a target score: in steps, in examples, and in seconds by a step's measured cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import ClassVar

import pandas as pd

from pipeline.arguments import Tally
from pipeline.claims.claim import Part
from pipeline.claims.kinds.time_to_target import steps_to_target, time_to_target
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, by_cell, place_of
from pipeline.statistics.cost_ratios import log_cost_ratio, step_milliseconds
from pipeline.statistics.intervals import Estimate, estimate, sum_of
from pipeline.statistics.own_rates import own_runs, shared_runs
from pipeline.statistics.pairs import Statistics, select, with_statistics
from pipeline.statistics.runs import of_study, sequence
from pipeline.statistics.step_costs import StepCost, cost_of
from pipeline.studies import Study

KIND = "pipeline.claims.kinds.time_to_target.time_to_target"


class ArmTime(Record):
    """One arm's way to the target.

    `median_steps` is over the runs, absent where half of them do not get there;
    `examples` is that many steps times the batch size. The ratios are logs of this
    arm's over the reference's: of steps, of a step's cost, and of seconds, their
    sum; absent for the reference, and where no cost was measured.
    """

    clock_fields: ClassVar = (
        "median_seconds",
        "step_milliseconds",
        "norm_kernel",
        "cost_ratio",
        "seconds_ratio",
    )

    named_by: ClassVar = ("arm",)

    arm: str
    runs: Tally
    reached: Tally
    median_steps: float | None
    median_examples: float | None
    median_seconds: float | None
    step_milliseconds: float | None
    norm_kernel: str | None
    steps_ratio: Estimate | None
    cost_ratio: Estimate | None
    seconds_ratio: Estimate | None
    notes: tuple[str, ...]


class TimeToTarget(Record):
    """The arms of one cell; `curve` is the column whose values are held against the target."""

    named_by: ClassVar = ("place", "curve", "target")

    place: Place
    curve: str
    target: float
    reference: str
    arms: tuple[ArmTime, ...]


class Figures(Record):
    """The cells, in the order of the claims that name a target."""

    cells: tuple[TimeToTarget, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every cell for which some claim names a target."""
    costs = evidence.costs.costs if evidence.costs else ()
    reference, level = evidence.reference, evidence.level
    wanted: dict[tuple[str, str, float, Statistics, str | None], None] = {}
    for claim in evidence.claims:
        for part in (*claim.parts, *claim.beside):
            if part.effect.target == KIND and part.where.keys() <= {"model"}:
                curve, target = _asked(part)
                wanted[claim.experiment, curve, target, claim.statistics, part.own] = None
    found = []
    for experiment, curve, target, statistics, axis in wanted:
        table = with_statistics(evidence.runs, statistics)
        axes = set() if axis is None else {axis}
        studies = [
            each
            for each in evidence.fixed
            if each.experiment == experiment and each.axes.keys() == axes
        ]
        table = shared_runs(table) if axis is None else own_runs(table)
        found += [
            _cell(table, arms, curve, target, costs, reference, level) for arms in by_cell(studies)
        ]
    return Figures(cells=tuple(found))


def _asked(part: Part) -> tuple[str, float]:
    arguments = part.effect.arguments
    target = arguments["target"]
    assert isinstance(target, float | int)
    return str(arguments["curve"]), float(target)


def _cell(
    runs: pd.DataFrame,
    arms: Sequence[Study],
    curve: str,
    target: float,
    costs: Sequence[StepCost],
    reference: str,
    level: float,
) -> TimeToTarget:
    first = arms[0]
    cost = cost_of(costs, first.cell_name, first.batch_size)
    plain = select(runs, {"study": f"{first.cell_name}/{reference}"})
    return TimeToTarget(
        place=place_of(first, batch_size=first.batch_size),
        curve=curve,
        target=target,
        reference=reference,
        arms=tuple(
            _arm(of_study(runs, study.name), plain, study, curve, target, cost, reference, level)
            for study in arms
        ),
    )


def _arm(
    rows: pd.DataFrame,
    plain: pd.DataFrame,
    study: Study,
    curve: str,
    target: float,
    cost: StepCost | None,
    reference: str,
    level: float,
) -> ArmTime:
    reached = [
        steps_to_target(steps, sequence(values), target=target)
        for steps, values in zip(rows["steps"], rows[curve], strict=True)
    ]
    middle = median(math.inf if steps is None else steps for steps in reached) if reached else None
    known = middle if middle is not None and math.isfinite(middle) else None
    step = step_milliseconds(cost, study.arm) if cost and study.arm in cost.arms else None
    sample = ratio = price = None
    if study.arm != reference and len(rows) and len(plain):
        sample = time_to_target(rows, plain, block=("seed",), curve=curve, target=target)
        ratio = estimate(sample, level=level)
    if cost is not None and study.arm != reference:
        price = log_cost_ratio(cost, study.arm, reference, level=level)
    return ArmTime(
        arm=study.arm,
        runs=len(rows),
        reached=sum(steps is not None for steps in reached),
        median_steps=known,
        median_examples=None if known is None else known * study.batch_size,
        median_seconds=None if known is None or step is None else known * step / 1000,
        step_milliseconds=step,
        norm_kernel=cost.arms[study.arm].kernels.get("norm") if step and cost else None,
        steps_ratio=ratio,
        cost_ratio=price,
        seconds_ratio=sum_of(ratio, price) if ratio and price else None,
        notes=sample.notes if sample is not None else (),
    )
