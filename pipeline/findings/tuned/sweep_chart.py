"""Every trial of the searches."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import place_of
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, among, log_axis, panels


def sweep_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Validation score of every trial against its learning rate; failed trials are hollow."""
    task = summary.task(Figures)
    names = summary.of(Figures).names
    rows: Rows = [
        {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            **place_of(figures.study).row,
            "trial": trial.index,
            "rate": float(f"{trial.learning_rate:.4g}"),  # hundreds of points: no more digits
            "score": round(trial.validation_score, 5),
            "failed": trial.failed,
            "search": number,
            "won": own.winner is not None and own.winner.index == trial.index,
        }
        for figures in summary.of(Figures).arms
        for number, own in enumerate(figures.search[: figures.own], 1)
        for trial in own.trials
        if trial.learning_rate is not None
    ]
    if not rows:
        return None
    every = list(summary.arms)
    arms = among(every, rows)
    x = alt.X(**log_axis(rows, "rate", "learning rate", padding=8))
    y = alt.Y(
        "score:Q",
        title=f"validation {task.score}",
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=".3~p", tickCount=6),
    )
    rings = (
        alt.Chart()
        .mark_point(shape="circle", size=260, stroke="currentColor", strokeWidth=1.5)
        .encode(x=x, y=y)
        .transform_filter("datum.won")
    )
    legend = alt.Legend(columns=layout.small_columns, labelLimit=layout.label_width)
    points = (
        alt.Chart()
        .mark_point(size=60, strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color("arm:N", scale=colors(arms, of=every), title="arm", legend=legend),
            fill=alt.Fill("arm:N", scale=colors(arms, of=every), title="arm"),
            shape=alt.Shape("arm:N", scale=shapes(arms, of=every), title="arm"),
            fillOpacity=alt.condition("datum.failed", alt.value(0), alt.value(0.6)),
            tooltip=[
                alt.Tooltip("arm:N"),
                alt.Tooltip("search:Q"),
                alt.Tooltip("trial:Q"),
                alt.Tooltip("rate:Q", title="learning rate", format=".3~g"),
                alt.Tooltip("score:Q", title=f"validation {task.score}", format=".2%"),
                alt.Tooltip("failed:N"),
                alt.Tooltip("won:N", title="winner"),
            ],
        )
    )
    panel = alt.layer(rings, points).properties(width=layout.panel_width, height=260)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)
