"""The gap between training and inference step by step, momentum by momentum."""

from __future__ import annotations

import altair as alt

from pipeline.findings.gap.figures import Figures, Line, Trajectory
from pipeline.findings.places import named
from pipeline.findings.summary import Summary
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, estimated, log_axis, panels


def named_trajectories(summary: Summary) -> list[tuple[str, Trajectory]]:
    """Return each trajectory with its name: its cell, and its arm where arms differ."""
    found = summary.of(Figures).trajectories
    several = len({each.arm for each in found}) > 1
    return [(f"{name}\n{each.arm}" if several else name, each) for name, each in named(found)]


def line_name(line: Line) -> str:
    """Say which statistics a line is about."""
    return line.kind if line.momentum is None else f"moving, momentum {line.momentum:g}"


def trajectories_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Validation scores against steps, one line for each kind of statistics and momentum."""
    task = summary.task(Figures)
    rows: Rows = [row for name, found in named_trajectories(summary) for row in _rows(name, found)]
    if not any("estimate" in row for row in rows):
        return None
    lines = list(dict.fromkeys(str(row["line"]) for row in rows))
    x = alt.X(**log_axis(rows, "step", "training steps", padding=10, form="~s"))
    y = alt.Y(
        "estimate:Q",
        title=f"validation {task.score}",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format=".3~p", tickCount=6),
    )
    legend = alt.Legend(columns=min(3, layout.small_columns), labelLimit=200)
    base = alt.Chart().encode(
        x=x,
        color=alt.Color("line:N", scale=colors(lines), title="statistics", legend=legend),
    )
    curves = base.mark_line(strokeWidth=2).encode(y=y)
    intervals = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("low:Q", title=f"validation {task.score}"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        y=y,
        shape=alt.Shape("line:N", scale=shapes(lines), title="statistics"),
        tooltip=[
            alt.Tooltip("line:N", title="statistics"),
            alt.Tooltip("step:Q", title="steps"),
            alt.Tooltip("estimate:Q", title=task.score, format=".2%"),
            alt.Tooltip("low:Q", title="from", format=".2%"),
            alt.Tooltip("high:Q", title="to", format=".2%"),
        ],
    )
    panel = alt.layer(intervals, curves, points).properties(width=layout.panel_width, height=280)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def _rows(name: str, found: Trajectory) -> Rows:
    place = {"cell": name, **found.place.row, "batch_size": found.batch_size}
    return [
        {**place, "line": line_name(line), "step": step, **estimated(effect)}
        for line in found.lines
        for step, effect in zip(found.steps, line.points, strict=False)
        if effect is not None
    ]
