"""What each arm does over a grid of learning rates: how many runs fail, what the others score."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import named
from pipeline.findings.stability.figures import Figures
from pipeline.findings.summary import Summary
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, among, estimated, log_axis, panels


def failing_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Share of failed runs over learning rates, one line for each arm."""
    rows = _rows(summary)
    if not rows:
        return None
    y = alt.Y(
        "share:Q",
        title="runs that failed",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("rate:Q", title="learning rate", format=".3~g"),
        alt.Tooltip("failed:Q"),
        alt.Tooltip("diverged:Q", title="of these, loss not finite"),
        alt.Tooltip("runs:Q"),
    ]
    layers = _layers(summary, rows, layout, y, tooltip)
    missing = (
        alt.Chart()
        .transform_filter("datum.runs === 0")
        .mark_text(angle=270, fontSize=11)
        .encode(x=_x(rows), y=alt.datum(0.5), text=alt.value("missing"))
    )
    panel = alt.layer(*layers, missing).properties(width=layout.panel_width, height=200)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def rates_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Scores of the runs that did not fail over learning rates, with intervals."""
    task = summary.task(Figures)
    rows = _rows(summary)
    if not any(row["estimate"] is not None for row in rows):
        return None
    y = alt.Y(
        "estimate:Q",
        title=f"validation {task.score}",
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=".3~p", tickCount=6),
    )
    tooltip = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("rate:Q", title="learning rate", format=".3~g"),
        alt.Tooltip("estimate:Q", title=task.score, format=".2%"),
        alt.Tooltip("low:Q", title="from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
        alt.Tooltip("failed:Q", title="runs that failed"),
    ]
    layers = _layers(summary, rows, layout, y, tooltip)
    every = list(summary.arms)
    intervals = (
        alt.Chart()
        .mark_rule(strokeWidth=1.5, opacity=0.7)
        .encode(
            x=_x(rows),
            y=alt.Y("low:Q", title=f"validation {task.score}"),
            y2="high:Q",
            color=alt.Color("arm:N", scale=colors(among(every, rows), of=every), title="arm"),
        )
    )
    panel = alt.layer(intervals, *layers).properties(width=layout.panel_width, height=240)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def _layers(
    summary: Summary, rows: Rows, layout: Layout, y: alt.Y, tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    every = list(summary.arms)
    arms = among(every, rows)
    legend = alt.Legend(columns=layout.small_columns, labelLimit=layout.label_width)
    color = alt.Color("arm:N", scale=colors(arms, of=every), title="arm", legend=legend)
    base = alt.Chart().encode(x=_x(rows), y=y, color=color)
    points = base.mark_point(filled=True, size=65, opacity=1).encode(
        shape=alt.Shape("arm:N", scale=shapes(arms, of=every), title="arm"), tooltip=tooltip
    )
    return [base.mark_line(strokeWidth=2), points]


def _x(rows: Rows) -> alt.X:
    return alt.X(**log_axis(rows, "rate", "learning rate", padding=12))


def _rows(summary: Summary) -> Rows:
    rows: Rows = []
    for name, found in named(summary.of(Figures).cells):
        for arm in found.arms:
            for rate in arm.rates:
                counts = rate.outcomes
                failed = counts.failed_recalibrated
                rows.append(
                    {
                        "cell": name,
                        **found.place.row,
                        "arm": arm.arm,
                        "rate": rate.learning_rate,
                        "runs": counts.runs,
                        "failed": failed,
                        "diverged": counts.diverged,
                        "share": failed / counts.runs if counts.runs else None,
                        **estimated(rate.score),
                    }
                )
    return rows
