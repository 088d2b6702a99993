"""The report's charts: figures -> Vega-Lite specifications, one panel per cell.

Each chart takes a layout and returns None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Callable

import altair as alt

from pipeline.analysis.comparisons import Contrast
from pipeline.analysis.summary import Summary
from pipeline.report.palette import COLORS, colors, shapes
from pipeline.report.panels import Layout, Rows, Specification, arms_of, interval, panels
from pipeline.report.wording import cell_names

KINDS = ["moving", "recalibrated"]
STATISTICS = ["batch", "moving", "recalibrated"]
SPLITS = ["training", "validation"]


def effects_chart(summary: Summary, layout: Layout) -> Specification | None:
    """Difference in test accuracy from the reference arm, in points, with intervals."""
    names, rows = cell_names(summary), []
    for figures in summary.studies:
        if figures.is_reference:
            continue
        place = {"cell": names[figures.name], "arm": figures.study.arm}
        found = figures.comparison
        contrasts: dict[str, Contrast | None] = {
            "moving": found.moving if found else None,
            "recalibrated": found.recalibrated if found else None,
        }
        rows += [
            {**place, "kind": kind, **interval(contrast.points)}
            for kind, contrast in contrasts.items()
            if contrast is not None
        ]
        if contrasts["moving"] is None:
            rows.append({**place, "kind": "moving", "missing": "no comparison"})
    if not rows:
        return None
    reference = summary.analysis.reference
    arms = arms_of(summary)
    y = alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=layout.label_width))
    base = alt.Chart().encode(
        y=y,
        yOffset=alt.YOffset("kind:N", sort=KINDS, scale=alt.Scale(domain=KINDS)),
        color=alt.Color("arm:N", scale=colors(arms), legend=None),
    )
    x_title = f"points of test accuracy above {reference}"
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("estimate:Q", title=x_title, scale=alt.Scale(zero=True, padding=12)),
        shape=alt.Shape(
            "kind:N",
            scale=shapes(KINDS),
            legend=alt.Legend(title="statistics", symbolFillColor="currentColor"),
        ),
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q")
    zero = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(0))
    missing = (
        alt.Chart()
        .mark_text(align="left", dx=6)
        .encode(y=y, x=alt.datum(0), text="missing:N")
        .transform_filter("isValid(datum.missing)")
    )
    panel = alt.layer(zero, intervals, points, missing).properties(
        width=layout.panel_width, height=alt.Step(22)
    )
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)


def gap_chart(summary: Summary, layout: Layout) -> Specification | None:
    """Validation accuracy with batch, moving and recalibrated statistics, with intervals."""
    names, arms = cell_names(summary), arms_of(summary)
    rows: Rows = [
        {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            "kind": kind,
            **interval(effect),
        }
        for figures in summary.studies
        if figures.gap is not None
        for kind, effect in figures.gap.accuracy.items()
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
            title="validation accuracy",
            scale=alt.Scale(zero=False, padding=12),
            axis=alt.Axis(format=".3~p", tickCount=5, labelOverlap=True, labelSeparation=6),
        ),
        shape=alt.Shape("kind:N", scale=shapes(STATISTICS), title="statistics"),
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q")
    panel = alt.layer(intervals, points).properties(width=layout.panel_width, height=alt.Step(18))
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)


def sweep_chart(summary: Summary, layout: Layout) -> Specification | None:
    """Validation accuracy of every trial against its learning rate; failed trials are hollow."""
    names, arms = cell_names(summary), arms_of(summary)
    rows: Rows = [
        {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            "rate": trial.learning_rate,
            "accuracy": trial.validation_accuracy,
            "failed": trial.failed,
            "won": figures.search.winner is not None and figures.search.winner.index == trial.index,
        }
        for figures in summary.studies
        for trial in figures.search.trials
        if trial.learning_rate is not None
    ]
    if not rows:
        return None
    x = alt.X(
        "rate:Q",
        title="learning rate",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(format="~g", tickCount=5, labelOverlap=True, grid=False),
    )
    y = alt.Y(
        "accuracy:Q",
        title="validation accuracy",
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=".3~p", tickCount=6),
    )
    rings = (
        alt.Chart()
        .mark_point(shape="circle", size=260, stroke="currentColor", strokeWidth=1.5)
        .encode(x=x, y=y)
        .transform_filter("datum.won")
    )
    points = (
        alt.Chart()
        .mark_point(size=60, strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color("arm:N", scale=colors(arms), title="arm", legend=_legend(layout)),
            fill=alt.Fill("arm:N", scale=colors(arms), title="arm"),
            shape=alt.Shape("arm:N", scale=shapes(arms), title="arm"),
            fillOpacity=alt.condition("datum.failed", alt.value(0), alt.value(0.6)),
        )
    )
    panel = alt.layer(rings, points).properties(width=layout.panel_width, height=260)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def curves_chart(summary: Summary, layout: Layout) -> Specification | None:
    """Accuracy of the winners epoch by epoch, training against validation, one panel per study."""
    names, rows = cell_names(summary), []
    for figures in summary.studies:
        for split in SPLITS:
            curve = figures.curves.get(f"{split}_accuracy")
            if curve is None:
                continue
            rows += [
                {
                    "cell": f"{names[figures.name]}\n{figures.study.arm}",
                    "split": split,
                    "epoch": epoch,
                    "mean": mean,
                    "low": low,
                    "high": high,
                }
                for epoch, (mean, low, high) in enumerate(
                    zip(curve.mean, curve.low, curve.high, strict=True), start=1
                )
            ]
    if not rows:
        return None
    x = alt.X(
        "epoch:Q",
        title="epoch",
        axis=alt.Axis(format="d", tickMinStep=1, tickCount=6),
        scale=alt.Scale(nice=False, zero=False),
    )
    y = alt.Y(
        "mean:Q",
        title="accuracy",
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=".3~p", tickCount=5),
    )
    hues = (COLORS[2], COLORS[1])
    # Not by scale: a second one would merge into the legend, or take it away.
    is_training = f"datum.split === '{SPLITS[0]}'"
    band = (
        alt.Chart()
        .mark_area(opacity=0.22)
        .encode(
            x=x,
            y=alt.Y("low:Q", title="accuracy"),
            y2="high:Q",
            detail="split:N",
            fill=alt.condition(is_training, alt.value(hues[0]), alt.value(hues[1])),
        )
    )
    base = alt.Chart().encode(
        x=x,
        color=alt.Color("split:N", scale=alt.Scale(domain=SPLITS, range=list(hues)), title=None),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=y, strokeDash=alt.condition(is_training, alt.value([5, 4]), alt.value([1, 0]))
    )
    points = base.mark_point(filled=True, size=30, opacity=1).encode(
        y=y, shape=alt.Shape("split:N", scale=shapes(SPLITS), title=None)
    )
    panel = alt.layer(band, lines, points).properties(width=layout.small_width, height=140)
    return panels(panel, rows, layout.small_columns, layout.small_width, own_scales=False)


CHARTS: dict[str, Callable[[Summary, Layout], Specification | None]] = {
    "effects": effects_chart,
    "gap": gap_chart,
    "sweep": sweep_chart,
    "curves": curves_chart,
}


def _legend(layout: Layout) -> alt.Legend:
    return alt.Legend(columns=layout.small_columns, labelLimit=layout.label_width)
