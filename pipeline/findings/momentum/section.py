"""Momentum and epsilon, the two numbers of batch normalization itself."""

from __future__ import annotations

from pipeline.findings.gap.chart import named_trajectories
from pipeline.findings.gap.figures import Figures as Gaps
from pipeline.findings.settings import section as settings
from pipeline.findings.settings.chart import NORM_AXES, axes
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Nothing, Section, Table, Text
from pipeline.wording import ABSENT, MISSING, percent


def section(summary: Summary) -> Section:
    """Return what moving averages of each momentum end at, and scores over epsilon."""
    blocks: list[Block] = []
    if summary.of(Gaps).trajectories:
        blocks += [
            Text(
                "What each momentum costs depends on how many steps there were: see the lines "
                "under Training against inference. At the end they stand here."
            ),
            _last(summary),
        ]
    shown = [axis for axis in axes(summary) if axis in NORM_AXES]
    for axis in shown:
        blocks.append(settings.drawn(summary, axis))
    if not blocks:
        blocks.append(Nothing("Nothing to show: no experiment varies momentum or epsilon."))
    elif "norm.epsilon" not in shown:
        blocks.append(Text("No experiment with fixed settings varies epsilon here."))
    return Section("momentum", "Momentum and epsilon", tuple(blocks))


def _last(summary: Summary) -> Table:
    momenta = sorted(
        {
            line.momentum
            for found in summary.of(Gaps).trajectories
            for line in found.lines
            if line.momentum is not None
        }
    )
    rows = []
    for name, found in named_trajectories(summary):
        ends = {line.momentum: line.points[-1] if line.points else None for line in found.lines}
        rows.append(
            (
                " ".join(name.split()),
                str(found.steps[-1]) if found.steps else MISSING,
                *(percent(ends[each]) if each in ends else ABSENT for each in momenta),
            )
        )
    heads = ("Cell", "After steps", *(f"Momentum {each:g}" for each in momenta))
    caption = f"Validation {summary.task(Gaps).score} with moving averages, at the end of training"
    return Table(caption, heads, tuple(rows), labels=1)
