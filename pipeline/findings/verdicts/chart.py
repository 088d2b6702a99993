"""All claims of a direction at a glance: each effect on the scale of its own margin."""

from __future__ import annotations

import operator
from functools import partial

import altair as alt

from pipeline.claims import units
from pipeline.claims.rules import Direction, Equivalence
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts.figures import Figures
from pipeline.page.palette import BLUE, COLORS, GREY, ORANGE, SHAPES
from pipeline.page.panels import Chart, Layout, Rows, estimated, line_at, open_intervals

WORDS = {
    "supported": (BLUE, SHAPES[2]),
    "refuted": (ORANGE, SHAPES[5]),
    "no practical difference": (COLORS[3], SHAPES[0]),
    "inconclusive": (GREY, SHAPES[3]),
}
TICKS = [-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100]


def claims_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Effects and intervals of the parts that decide, as multiples of their margins."""
    rows = _rows(summary)
    if not rows:
        return None
    width = 2 * layout.panel_width - 60 if layout.columns > 1 else layout.panel_width
    names = list(dict.fromkeys(row["part"] for row in rows))
    limit = 260 if layout.columns > 1 else 95
    y = alt.Y("part:N", sort=names, title=None, axis=alt.Axis(labelLimit=limit, grid=True))
    words = [word for word in WORDS if word in {row["word"] for row in rows}]
    looks = {
        "color": alt.Scale(domain=words, range=[WORDS[word][0] for word in words]),
        "shape": alt.Scale(domain=words, range=[WORDS[word][1] for word in words]),
    }
    legend = alt.Legend(columns=4 if layout.columns > 1 else 2, labelLimit=200)
    base = alt.Chart().encode(
        y=y, color=alt.Color("word:N", scale=looks["color"], title=None, legend=legend)
    )
    x = alt.X(
        "estimate:Q",
        title="effect, as a multiple of the claim's margin",
        scale=alt.Scale(type="symlog", constant=1, padding=14, nice=False),
        axis=alt.Axis(values=TICKS if layout.columns > 1 else TICKS[::2], format=",d", grid=False),
    )
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x,
        shape=alt.Shape("word:N", scale=looks["shape"], title=None),
        tooltip=[
            alt.Tooltip("claim:N"),
            alt.Tooltip("name:N", title="part"),
            alt.Tooltip("word:N", title="verdict"),
            alt.Tooltip("effect:N"),
            alt.Tooltip("statement:N"),
        ],
    )
    zone = alt.Chart().transform_aggregate(rows="count()")
    same = zone.mark_rect(color="currentColor", opacity=0.1).encode(
        x=alt.datum(-1), x2=alt.datum(1)
    )
    layers = [same, line_at(x=0), *open_intervals(base, width), points]
    chart = alt.layer(*layers, data=alt.NamedData("rows"))
    chart = chart.properties(width=width, height=alt.Step(24))
    return Chart(specification=chart.to_dict(validate=False), rows=rows)


def _rows(summary: Summary) -> Rows:
    rows: Rows = []
    for figures in summary.of(Figures).claims:
        claim = figures.claim
        if claim.control is not None:
            continue
        for part, judged in zip(claim.parts, figures.judgement.parts, strict=True):
            found = judged.estimate
            if found is None or not isinstance(part.rule, Direction | Equivalence):
                continue
            rows.append(
                {
                    "part": f"{claim.id}  {part.name}",
                    "claim": claim.id,
                    "name": part.name,
                    "statement": claim.statement,
                    "word": judged.verdict.word,
                    "effect": units.effect(part, found, figures.task),
                    **estimated(found, partial(operator.mul, 1 / part.rule.margin)),
                }
            )
    return rows
