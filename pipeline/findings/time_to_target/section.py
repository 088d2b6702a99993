"""How long an arm takes to a target: in steps, in examples, and in seconds."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.summary import Summary
from pipeline.findings.time_to_target.chart import named_times, times_chart
from pipeline.findings.time_to_target.figures import ArmTime, Figures, TimeToTarget
from pipeline.page.blocks import Block, Listing, Nothing, Section, Table, Text
from pipeline.statistics.intervals import Estimate
from pipeline.wording import MISSING, TIE, listed, multiple, number, percentage, share


def section(summary: Summary) -> Section:
    """Return the ratios, and the times behind them."""
    blocks: list[Block] = []
    if summary.of(Figures).cells:
        level = percentage(summary.analysis.level)
        blocks += [
            Text(
                "A run reaches the target at the first of two evaluations in a row at or above it. "
                "Seconds are steps times what a training step was measured to take; which kernel "
                "normalized stands beside each of them, because it decides the price."
            ),
            figure(
                summary,
                "times",
                times_chart,
                caption=f"Time to the target, arm over reference, with {level} intervals: left of "
                "the dashed line the arm is faster. Hollow marks are bounds, where half of the "
                "runs or more did not get there; dashes run to a side without a limit.",
                described=_described(summary),
                stage="cost",
            ),
            _table(summary),
        ]
        if notes := _notes(summary):
            blocks.append(Listing(tuple(notes)))
    else:
        blocks.append(Nothing("Nothing to show: no claim that is tested here names a target."))
    return Section("times", "Time to a target", tuple(blocks))


def _table(summary: Summary) -> Table:
    rows = []
    for name, found in named_times(summary):
        rows += [_row(" ".join(name.split()), found, arm) for arm in found.arms]
    level = percentage(summary.analysis.level)
    heads = (
        "Cell and target",
        "Arm",
        "Reached",
        "Steps, median",
        "Examples",
        "A step: kernel and cost",
        "Seconds",
        f"Steps, as a multiple of the reference's [{level}]",
        "A step's cost, as a multiple",
        "Seconds, as a multiple",
    )
    return Table("Time to the target", heads, tuple(rows), labels=2)


def _row(name: str, found: TimeToTarget, arm: ArmTime) -> tuple[str, ...]:
    is_reference = arm.arm == found.reference

    def ratio(log: Estimate | None) -> str:
        return "reference" if is_reference else multiple(log)

    return (
        name,
        arm.arm,
        share(arm.reached, arm.runs),
        _count(arm, arm.median_steps),
        _count(arm, arm.median_examples),
        step(arm),
        MISSING if arm.median_seconds is None else f"{arm.median_seconds:.3g}",
        ratio(arm.steps_ratio),
        ratio(arm.cost_ratio),
        ratio(arm.seconds_ratio),
    )


def step(arm: ArmTime) -> str:
    """Which kernel normalized, and milliseconds per step."""
    if arm.step_milliseconds is None:
        return "not measured"
    return f"{arm.norm_kernel or 'unknown'}, {arm.step_milliseconds:.3g}{TIE}ms"


def _count(arm: ArmTime, found: float | None) -> str:
    if found is not None:
        return number(found)
    return "half do not get there" if arm.runs else MISSING


def _notes(summary: Summary) -> list[str]:
    return [
        f"{' '.join(name.split())}, {arm.arm}: {listed(arm.notes)}."
        for name, found in named_times(summary)
        for arm in found.arms
        if arm.notes
    ]


def _described(summary: Summary) -> str:
    found = [
        f"{' '.join(name.split())}, {arm.arm}: {multiple(arm.steps_ratio)} in steps, "
        f"{multiple(arm.seconds_ratio)} in seconds"
        for name, each in named_times(summary)
        for arm in each.arms
        if arm.arm != each.reference
    ]
    return f"Ratios with intervals, one panel for each cell and target. {'; '.join(found)}."
