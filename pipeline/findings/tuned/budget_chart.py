"""Best against budget: what so many random trials are expected to find."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import place_of
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, among, count_axis, panels


def budget_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Expected best validation score over the number of random trials, with bands."""
    task = summary.task(Figures)
    names = summary.of(Figures).names
    rows: Rows = [
        {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            **place_of(figures.study).row,
            "trials": place + 1,
            "best": best,
            "low": None if budget.low is None else budget.low[place],
            "high": None if budget.high is None else budget.high[place],
        }
        for figures in summary.of(Figures).arms
        if (budget := figures.budget)
        for place, best in enumerate(budget.expected_best)
    ]
    if not rows:
        return None
    every = list(summary.arms)
    arms = among(every, rows)
    legend = alt.Legend(columns=layout.small_columns, labelLimit=layout.label_width)
    base = alt.Chart().encode(
        x=alt.X("trials:Q", title="random trials", axis=count_axis(rows, "trials", most=12)),
        color=alt.Color("arm:N", scale=colors(arms, of=every), title="arm", legend=legend),
    )
    title = f"best validation {task.score} to expect"
    y = alt.Y("best:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=".3~p"))
    band = base.mark_area(opacity=0.15).encode(
        y=alt.Y("low:Q", title=title),
        y2="high:Q",
        fill=alt.Fill("arm:N", scale=colors(arms, of=every), title="arm"),
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=y,
        shape=alt.Shape("arm:N", scale=shapes(arms, of=every), title="arm"),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("trials:Q"),
            alt.Tooltip("best:Q", title=f"validation {task.score}", format=".2%"),
            alt.Tooltip("low:Q", title="from", format=".2%"),
            alt.Tooltip("high:Q", title="to", format=".2%"),
        ],
    )
    panel = alt.layer(band, base.mark_line(strokeWidth=2).encode(y=y), points)
    panel = panel.properties(width=layout.panel_width, height=220)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)
