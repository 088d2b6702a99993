"""Time to a target against the reference's, in steps and in seconds."""

from __future__ import annotations

import math

import altair as alt

from pipeline.findings.places import named
from pipeline.findings.summary import Summary
from pipeline.findings.time_to_target.figures import ArmTime, Figures, TimeToTarget
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import (
    Chart,
    Layout,
    Rows,
    estimated,
    line_at,
    open_intervals,
    panels,
    told,
)

KINDS = ["steps", "seconds"]


def named_times(summary: Summary) -> list[tuple[str, TimeToTarget]]:
    """Return each cell with its name and target."""
    return [
        (f"{name}\nto {each.target:.3g}", each) for name, each in named(summary.of(Figures).cells)
    ]


def times_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Ratio of steps and of seconds to the target, arm over reference, with intervals."""
    rows: Rows = []
    for name, found in named_times(summary):
        place = {"cell": name, **found.place.row}
        for arm in found.arms:
            if arm.arm != found.reference:
                rows += [{**place, **row} for row in _rows(arm)]
    if not rows:
        return None
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    y = alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(labelLimit=layout.label_width))
    offset = alt.YOffset("kind:N", sort=KINDS, scale=alt.Scale(domain=KINDS))
    base = alt.Chart().encode(
        y=y,
        yOffset=offset,
        color=alt.Color("kind:N", scale=colors(KINDS, of=("", *KINDS)), title="measured in"),
    )
    x = alt.X(
        "estimate:Q",
        title="time, as a multiple of the reference's",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(format=".4~g", tickCount=5, labelOverlap=True),
    )
    points = base.mark_point(size=90, opacity=1, strokeWidth=2).encode(
        x=x,
        shape=alt.Shape("kind:N", scale=shapes(KINDS), title="measured in"),
        fill=alt.Fill("kind:N", scale=colors(KINDS, of=("", *KINDS)), title="measured in"),
        fillOpacity=alt.condition("datum.known === 'exactly'", alt.value(1), alt.value(0)),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N", title="measured in"),
            alt.Tooltip("known:N", title="the ratio is known"),
            alt.Tooltip("estimate:Q", title="ratio", format=".3~g"),
            alt.Tooltip("low:Q", title="from", format=".3~g"),
            alt.Tooltip("high:Q", title="to", format=".3~g"),
            alt.Tooltip("cost:N", title="a step"),
        ],
    )
    missing = (
        alt.Chart()
        .mark_text(align="left", dx=6)
        .encode(y=y, yOffset=offset, x=alt.datum(1), text=told("missing"))
    )
    panel = alt.layer(line_at(x=1), *open_intervals(base, layout.panel_width), points, missing)
    panel = panel.properties(width=layout.panel_width, height=alt.Step(20))
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=True)


def _rows(arm: ArmTime) -> Rows:
    cost = "not measured"
    if arm.step_milliseconds is not None:
        cost = f"{arm.step_milliseconds:.3g} ms, kernel {arm.norm_kernel or 'unknown'}"
    rows: Rows = []
    for kind, found in (("steps", arm.steps_ratio), ("seconds", arm.seconds_ratio)):
        if found is not None and found.value is not None:
            rows.append(
                {"arm": arm.arm, "kind": kind, "cost": cost, "known": found.known}
                | estimated(found, math.exp)
            )
    if not rows:
        rows.append({"arm": arm.arm, "kind": "steps", "missing": "nothing to compare"})
    return rows
