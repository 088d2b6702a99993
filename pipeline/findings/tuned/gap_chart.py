"""Scores of the tuned arms with batch, moving and recalibrated statistics."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import place_of
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.findings.tuned.gap import STATISTICS
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, estimated, panels


def gap_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Validation scores with batch, moving and recalibrated statistics, with intervals."""
    task = summary.task(Figures)
    names, arms = summary.of(Figures).names, list(summary.arms)
    rows: Rows = [
        {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            **place_of(figures.study).row,
            "kind": kind,
            **estimated(figures.gap.scores[kind]),
        }
        for figures in summary.of(Figures).arms
        if figures.gap is not None
        for kind in STATISTICS
        if kind in figures.gap.scores
    ]
    if not rows:
        return None
    base = alt.Chart().encode(
        y=alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=layout.label_width)),
        yOffset=alt.YOffset("kind:N", sort=STATISTICS, scale=alt.Scale(domain=STATISTICS)),
        color=alt.Color("kind:N", scale=colors(STATISTICS), title="statistics"),
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X(
            "estimate:Q",
            title=f"validation {task.score}",
            scale=alt.Scale(zero=False, padding=12),
            axis=alt.Axis(format=".3~p", tickCount=5, labelOverlap=True, labelSeparation=6),
        ),
        shape=alt.Shape("kind:N", scale=shapes(STATISTICS), title="statistics"),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N", title="statistics"),
            alt.Tooltip("estimate:Q", title=task.score, format=".2%"),
            alt.Tooltip("low:Q", title="from", format=".2%"),
            alt.Tooltip("high:Q", title="to", format=".2%"),
        ],
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q")
    panel = alt.layer(intervals, points).properties(width=layout.panel_width, height=alt.Step(18))
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)
