"""The tuned arms against each other: errors for each 100 of the other one's, with intervals."""

from __future__ import annotations

import math

import altair as alt

from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures
from pipeline.findings.tuned.tables import cells
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, estimated, line_at, panels, told
from pipeline.statistics.pairs import Statistics

KINDS: list[Statistics] = ["moving", "recalibrated"]


def effects_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Ratio of test errors in hundredths on a logarithmic axis, one row for each comparison."""
    task = summary.task(Figures)
    places = cells(summary)
    rows: Rows = []
    for found in summary.of(Figures).comparisons:
        place = {
            "cell": places[found.label],
            "arm": found.arm,
            "pair": f"{found.arm} against {found.against}",
            "dataset": found.dataset,
            "model": found.model,
            "optimizer": found.optimizer,
            "word": found.word,
        }
        by_kind = {"moving": found.log_error_ratio, "recalibrated": found.recalibrated}
        rows += [
            {**place, "kind": kind, **estimated(known, _hundredths)}
            for kind, known in by_kind.items()
            if known is not None and (kind == "moving" or found.is_recalibrated)
        ]
        if found.log_error_ratio is None:
            rows.append({**place, "kind": "moving", "missing": "no comparison"})
    if not rows:
        return None
    arms = list(summary.arms)
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    y = alt.Y("pair:N", sort=pairs, title=None, axis=alt.Axis(labelLimit=layout.label_width))
    offset = alt.YOffset("kind:N", sort=KINDS, scale=alt.Scale(domain=KINDS))
    base = alt.Chart().encode(
        y=y,
        yOffset=offset,
        color=alt.Color("arm:N", scale=colors(arms), legend=None),
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X(
            "estimate:Q",
            title=f"{task.error.noun}, in hundredths of the other arm's",
            scale=alt.Scale(type="log", nice=False, padding=12),
            axis=alt.Axis(format=",.0f", tickCount=5),
        ),
        shape=alt.Shape(
            "kind:N",
            scale=shapes(KINDS),
            legend=alt.Legend(title="statistics", symbolFillColor="currentColor"),
        ),
        tooltip=[
            alt.Tooltip("pair:N", title="arms"),
            alt.Tooltip("kind:N", title="statistics"),
            alt.Tooltip("estimate:Q", title=f"{task.error.noun}, hundredths", format=",.0f"),
            alt.Tooltip("low:Q", title="from", format=",.0f"),
            alt.Tooltip("high:Q", title="to", format=",.0f"),
            alt.Tooltip("word:N", title="reads"),
        ],
    )
    intervals = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q")
    margins = [
        alt.Chart().mark_rule(strokeDash=[1, 3]).encode(x=alt.datum(100 * side))
        for side in (1 / summary.analysis.margin, summary.analysis.margin)
    ]
    missing = (
        alt.Chart()
        .mark_text(align="left", dx=6)
        .encode(y=y, yOffset=offset, x=alt.datum(100), text=told("missing"))
    )
    panel = alt.layer(line_at(x=100), *margins, intervals, points, missing).properties(
        width=layout.panel_width, height=alt.Step(22)
    )
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)


def _hundredths(log_ratio: float) -> float:
    return 100 * math.exp(log_ratio)
