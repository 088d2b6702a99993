"""The gap between training and inference, step by step: what moving statistics cost, and when."""

from __future__ import annotations

from pipeline.findings.decisions import deployed
from pipeline.findings.drawing import figure
from pipeline.findings.gap.chart import line_name, named_trajectories, trajectories_chart
from pipeline.findings.gap.figures import Figures, Trajectory
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Nothing, Section, Table, Text
from pipeline.wording import capital, counted, percent, percentage


def section(summary: Summary) -> Section:
    """Return the chart over steps, and its figures."""
    task = summary.task(Figures)
    blocks: list[Block] = []
    if summary.of(Figures).trajectories:
        level = percentage(summary.analysis.level)
        blocks += [
            Text(
                "In training, batch normalization uses the statistics of each batch; at inference "
                "it uses moving averages of them. Momentum never affects the training, so one run "
                "carried moving averages of every momentum along: the lines are of the same "
                "networks at the same steps."
            ),
            figure(
                summary,
                "trajectories",
                trajectories_chart,
                caption=f"{capital(task.score)} on the same validation examples after each "
                "number of steps (the axis is logarithmic) with the batch's own statistics, with "
                "statistics recalibrated over training examples, and with moving averages of "
                f"each momentum: means over seeds with {level} intervals.",
                described=_described(summary),
                stage="sweep",
            ),
            *(_table(name, found, task.score) for name, found in named_trajectories(summary)),
        ]
    else:
        blocks.append(Nothing("Nothing to show: no study carried moving averages along."))
    return Section("gap", "Training against inference", tuple(blocks))


def _table(name: str, found: Trajectory, score: str) -> Table:
    rows = tuple((line_name(line), *map(percent, line.points)) for line in found.lines)
    heads = ("Statistics", *(f"{step} steps" for step in found.steps))
    caption = (
        f"{' '.join(name.split())}: validation {score} by steps, {counted(found.seeds, 'seed')}, "
        f"batches of {found.batch_size}"
    )
    return Table(caption, heads, rows, labels=1, folded=True)


def _described(summary: Summary) -> str:
    return f"Lines over steps, one panel per model. {deployed.gap(summary)}"
