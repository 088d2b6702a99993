"""Which learning rates an arm stands, and how far beyond the reference's."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.places import named
from pipeline.findings.stability.chart import failing_chart, rates_chart
from pipeline.findings.stability.figures import ArmStability, Figures, Stability
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Listing, Nothing, Section, Table, Text
from pipeline.wording import MISSING, capital, multiple, percent, percentage, share

NEVER = "fails at every rate"


def section(summary: Summary) -> Section:
    """Return failures and scores over rates, and the largest rate of each arm."""
    task = summary.task(Figures)
    blocks: list[Block] = []
    if summary.of(Figures).cells:
        level = percentage(summary.analysis.level)
        blocks += [
            Text(
                "A run fails when its loss is not finite, or when it ends under half of what its "
                "arm can do. Statistics are recalibrated: a rate that trains well and is spoiled "
                "by moving averages alone has not failed."
            ),
            figure(
                summary,
                "failing",
                failing_chart,
                caption="Share of the runs that failed at each learning rate, over seeds.",
                described=_described(summary),
                stage="sweep",
            ),
            _largest(summary),
            *_notes(summary),
            figure(
                summary,
                "rates",
                rates_chart,
                caption=f"{capital(task.score)} of the runs that did not fail at each learning "
                f"rate: means over their seeds with {level} intervals.",
                described="Lines over learning rates, one for each arm. " + _best(summary),
                stage="sweep",
            ),
            _by_rate(summary),
        ]
    else:
        blocks.append(Nothing("Nothing to show: no experiment has a grid of three rates or more."))
    return Section("stability", "Which learning rates train", tuple(blocks))


def _largest(summary: Summary) -> Table:
    rows = []
    for name, found in named(summary.of(Figures).cells):
        rows += [_row(name, found, arm) for arm in found.arms]
    heads = (
        "Cell",
        "Arm",
        "Largest rate that trains, median over seeds",
        "Seeds whose largest is the grid's last",
        f"As a multiple of the reference's [{percentage(summary.analysis.level)}]",
    )
    caption = (
        "The largest rate that does not fail. Where it is the grid's last the arm may stand more: "
        "such values are bounds"
    )
    return Table(caption, heads, tuple(rows), labels=2)


def _row(name: str, found: Stability, arm: ArmStability) -> tuple[str, ...]:
    seeds = len(arm.largest)
    middle = MISSING
    if seeds:
        middle = NEVER if arm.median_largest is None else f"{arm.median_largest:.3g}"
    if arm.median_largest is not None and 2 * arm.at_the_end >= seeds:
        middle += " or more"
    return (
        name,
        arm.arm,
        middle,
        share(arm.at_the_end, seeds),
        "reference" if arm.arm == found.reference else multiple(arm.decades, base=10),
    )


def _notes(summary: Summary) -> list[Block]:
    lines = [
        f"{name}, {arm.arm}: {note}."
        for name, found in named(summary.of(Figures).cells)
        for arm in found.arms
        for note in arm.notes
    ]
    return [Listing(tuple(lines))] if lines else []


def _by_rate(summary: Summary) -> Table:
    rows = []
    for name, found in named(summary.of(Figures).cells):
        for arm in found.arms:
            rows += [
                (
                    name,
                    arm.arm,
                    f"{rate.learning_rate:.3g}",
                    share(rate.outcomes.failed_recalibrated, rate.outcomes.runs),
                    str(rate.outcomes.diverged) if rate.outcomes.runs else MISSING,
                    "none trained"
                    if rate.outcomes.runs and rate.score is None
                    else percent(rate.score),
                )
                for rate in arm.rates
            ]
    heads = (
        "Cell",
        "Arm",
        "Learning rate",
        "Failed",
        "of these, loss not finite",
        capital(summary.task(Figures).score),
    )
    return Table("Rate by rate", heads, tuple(rows), labels=3, folded=True)


def _described(summary: Summary) -> str:
    found = []
    for name, each in named(summary.of(Figures).cells):
        for arm in each.arms:
            middle = "none" if arm.median_largest is None else f"{arm.median_largest:.3g}"
            found.append(f"{name}, {arm.arm}: largest rate that trains {middle}")
    return f"Share of failures over learning rates. {'; '.join(found)}."


def _best(summary: Summary) -> str:
    found = []
    for name, each in named(summary.of(Figures).cells):
        for arm in each.arms:
            scored = [
                (value, rate.learning_rate)
                for rate in arm.rates
                if rate.score and (value := rate.score.value) is not None
            ]
            if scored:
                best, rate = max(scored)
                found.append(f"{name}, {arm.arm}: best {best:.1%} at {rate:.3g}")
    return f"{'; '.join(found)}."
