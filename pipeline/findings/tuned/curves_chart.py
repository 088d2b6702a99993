"""Learning curves of the winners."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import place_of
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.page.palette import BLUE, ORANGE, shapes
from pipeline.page.panels import Chart, Layout, Rows, count_axis, panels

SPLITS = ["training", "validation"]
HUES = (ORANGE, BLUE)


def curves_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Scores of the winners epoch by epoch, training against validation, one panel per study."""
    task = summary.task(Figures)
    rows = _rows(summary)
    if not rows:
        return None
    x = alt.X(
        "epoch:Q",
        title="epoch",
        axis=count_axis(rows, "epoch"),
        scale=alt.Scale(nice=False, zero=False),
    )
    y = alt.Y(
        "mean:Q",
        title=task.score,
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=".3~p", tickCount=5),
    )
    # Not by scale: a second one would merge into the legend, or take it away.
    is_training = f"datum.split === '{SPLITS[0]}'"
    band = (
        alt.Chart()
        .mark_area(opacity=0.22)
        .encode(
            x=x,
            y=alt.Y("low:Q", title=task.score),
            y2="high:Q",
            detail="split:N",
            fill=alt.condition(is_training, alt.value(HUES[0]), alt.value(HUES[1])),
        )
    )
    base = alt.Chart().encode(
        x=x,
        color=alt.Color("split:N", scale=alt.Scale(domain=SPLITS, range=list(HUES)), title=None),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=y, strokeDash=alt.condition(is_training, alt.value([5, 4]), alt.value([1, 0]))
    )
    points = base.mark_point(filled=True, size=30, opacity=1).encode(
        y=y,
        shape=alt.Shape("split:N", scale=shapes(SPLITS), title=None),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("split:N"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("mean:Q", title=task.score, format=".2%"),
        ],
    )
    panel = alt.layer(band, lines, points).properties(width=layout.small_width, height=140)
    return panels(panel, rows, layout.small_columns, layout.small_width, own_scales=False)


def _rows(summary: Summary) -> Rows:
    names = summary.of(Figures).names
    rows: Rows = []
    for figures in summary.of(Figures).arms:
        arm = figures.study.arm
        cell = f"{names[figures.name]}\n{arm}"
        place = {"cell": cell, "arm": arm, **place_of(figures.study).row}
        for split in SPLITS:
            curve = figures.curves.get(f"{split}_score")
            if curve is None:
                continue
            points = zip(curve.mean, curve.low, curve.high, strict=True)
            rows += [
                {
                    **place,
                    "split": split,
                    "epoch": epoch,
                    "mean": mean,
                    "low": low,
                    "high": high,
                }
                for epoch, (mean, low, high) in enumerate(points, start=1)
            ]
    return rows
