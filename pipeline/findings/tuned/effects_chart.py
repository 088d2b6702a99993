"""The tuned arms against the reference, in points, with intervals."""

from __future__ import annotations

import altair as alt

from pipeline.findings.places import place_of
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, estimated, line_at, panels, told
from pipeline.statistics.pairs import Statistics

KINDS: list[Statistics] = ["moving", "recalibrated"]


def effects_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Difference in test scores from the reference arm, in points, with intervals."""
    names = summary.of(Figures).names
    rows: Rows = []
    for figures in summary.of(Figures).studies:
        if figures.is_reference:
            continue
        place = {
            "cell": names[figures.name],
            "arm": figures.study.arm,
            **place_of(figures.study).row,
        }
        points = {
            kind: found.points
            for kind in KINDS
            if (found := figures.comparisons.get(kind)) and found.points
        }
        rows += [{**place, "kind": kind, **estimated(each)} for kind, each in points.items()]
        if "moving" not in points:
            rows.append({**place, "kind": "moving", "missing": "no comparison"})
    if not rows:
        return None
    arms = list(summary.arms)
    y = alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=layout.label_width))
    offset = alt.YOffset("kind:N", sort=KINDS, scale=alt.Scale(domain=KINDS))
    base = alt.Chart().encode(
        y=y,
        yOffset=offset,
        color=alt.Color("arm:N", scale=colors(arms), legend=None),
    )
    x_title = f"points of test {summary.score} above {summary.analysis.reference}"
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("estimate:Q", title=x_title, scale=alt.Scale(zero=True, padding=12)),
        shape=alt.Shape(
            "kind:N",
            scale=shapes(KINDS),
            legend=alt.Legend(title="statistics", symbolFillColor="currentColor"),
        ),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N", title="statistics"),
            alt.Tooltip("estimate:Q", title="points", format="+.2f"),
            alt.Tooltip("low:Q", title="from", format="+.2f"),
            alt.Tooltip("high:Q", title="to", format="+.2f"),
        ],
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q")
    missing = (
        alt.Chart()
        .mark_text(align="left", dx=6)
        .encode(y=y, yOffset=offset, x=alt.datum(0), text=told("missing"))
    )
    panel = alt.layer(line_at(x=0), intervals, points, missing).properties(
        width=layout.panel_width, height=alt.Step(22)
    )
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)
