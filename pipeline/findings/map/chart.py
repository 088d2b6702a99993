"""Maps of where an arm helps, over rates and batch sizes, and the gain over batch sizes."""

from __future__ import annotations

import math

import altair as alt

from pipeline.findings.map.figures import Figures, Map, Spot
from pipeline.findings.places import named
from pipeline.findings.summary import Summary
from pipeline.page.palette import BLUE, COLORS, GREY, ORANGE
from pipeline.page.panels import Chart, Layout, Rows, line_at, log_axis, panels

GREEN = COLORS[3]
READINGS = {"helps": GREEN, "hurts": ORANGE, "no difference": BLUE, "can't tell": GREY}
TINT = 0.3  # of what is told, in the legend as on the map
SPOTS = {
    "better": ("triangle-up", GREEN),
    "worse": ("triangle-down", ORANGE),
    "equal": ("circle", GREY),
    "only the arm failed": ("cross", ORANGE),
    "only the other failed": ("cross", GREEN),
    "both failed": ("cross", GREY),
}
FAILED = {"arm": "only the arm failed", "against": "only the other failed"}


def named_maps(summary: Summary) -> list[tuple[str, Map]]:
    """Return each map with its name: its cell, and what is compared."""
    return [
        (f"{name}\n{each.arm} against {each.against}", each)
        for name, each in named(summary.of(Figures).maps)
    ]


def error_multiple(summary: Summary) -> str:
    """Return what an axis or a column of error ratios is called."""
    return f"{summary.task(Figures).error.noun}, as a multiple of the other arm's"


def map_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Regions of rate and batch size by their word, and the points on top."""
    rows: Rows = []
    for name, found in named_maps(summary):
        place = {"cell": name, **found.place.row}
        rows += [{**place, **row} for row in _strips(found)]
        rows += [{**place, **_spot(spot)} for spot in found.spots]
        if not found.spots:
            rows.append({**place, "kind": "empty", "label": "no points"})
    if not rows:
        return None
    has_empty = any(row["kind"] == "empty" for row in rows)
    width = layout.panel_width + (120 if layout.columns > 1 else 0)
    x = alt.X(**log_axis(rows, "rate", "learning rate", padding=0))
    y = alt.Y(**log_axis(rows, "batch", "batch size", padding=0, form="d", base=2))
    reading = alt.Scale(domain=list(READINGS), range=list(READINGS.values()))
    told = alt.condition('datum.reading === "can\'t tell"', alt.value(0.08), alt.value(TINT))
    areas = (
        alt.Chart()
        .transform_filter("datum.kind === 'region'")
        .mark_rect()
        .encode(
            x=alt.X("low:Q", title="learning rate"),
            x2="high:Q",
            y=alt.Y("batch_low:Q", title="batch size"),
            y2="batch_high:Q",
            fill=alt.Fill(
                "reading:N",
                scale=reading,
                title="there the arm",
                legend=alt.Legend(columns=2, symbolOpacity=TINT),
            ),
            fillOpacity=told,
            tooltip=[
                alt.Tooltip("reading:N", title="there the arm"),
                alt.Tooltip("decided:N", title="told by"),
            ],
        )
    )
    kinds = list(SPOTS)
    legend = alt.Legend(columns=3 if layout.columns > 1 else 1, labelLimit=220)
    spots = (
        alt.Chart()
        .transform_filter("datum.kind === 'spot'")
        .mark_point(filled=True, size=55, opacity=0.9)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape(
                "spot:N",
                scale=alt.Scale(domain=kinds, range=[SPOTS[kind][0] for kind in kinds]),
                title="at this point the arm is",
                legend=legend,
            ),
            color=alt.Color(
                "spot:N",
                scale=alt.Scale(domain=kinds, range=[SPOTS[kind][1] for kind in kinds]),
                title="at this point the arm is",
            ),
            tooltip=[
                alt.Tooltip("spot:N", title="the arm is"),
                alt.Tooltip("rate:Q", title="learning rate", format=".3~g"),
                alt.Tooltip("batch:Q", title="batch size"),
                alt.Tooltip("ratio:Q", title="error ratio", format=".3~g"),
                alt.Tooltip("seed:Q"),
            ],
        )
    )
    empty = (
        alt.Chart()
        .transform_filter("datum.kind === 'empty'")
        .mark_text()
        .encode(x=alt.value(width / 2), y=alt.value(160), text="label:N")
    )
    panel = alt.layer(areas, spots, empty) if has_empty else alt.layer(areas, spots)
    panel = panel.properties(width=width, height=320)
    panel = panel.resolve_scale(color="independent", fill="independent", shape="independent")
    return panels(panel, rows, layout.columns, width, own_scales=False)


def sizes_chart(summary: Summary, layout: Layout) -> Chart | None:
    """Error ratio to the reference over batch sizes, all rates together, with intervals."""
    rows: Rows = []
    for name, found in named_maps(summary):
        for point in found.over_batch_size:
            gain = point.gain
            rows.append(
                {
                    "cell": name,
                    **found.place.row,
                    "size": point.batch_size,
                    "estimate": _ratio(gain.value),
                    "low": _ratio(gain.high),
                    "high": _ratio(gain.low),
                    "points": gain.blocks,
                }
            )
    if not rows:
        return None
    x = alt.X(**log_axis(rows, "size", "batch size", padding=16, form="d", base=2))
    title = error_multiple(summary)
    y = alt.Y("estimate:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=12))
    y = y.axis(format=".4~g", tickCount=6, labelOverlap=True)
    intervals = (
        alt.Chart()
        .mark_rule(strokeWidth=2.5, color=COLORS[1])
        .encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q")
    )
    marks = (
        alt.Chart()
        .mark_point(filled=True, size=80, opacity=1, color=COLORS[1])
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("size:Q", title="batch size"),
                alt.Tooltip("estimate:Q", title="error ratio", format=".3~g"),
                alt.Tooltip("low:Q", title="from", format=".3~g"),
                alt.Tooltip("high:Q", title="to", format=".3~g"),
                alt.Tooltip("points:Q", title="paired points"),
            ],
        )
    )
    panel = alt.layer(line_at(y=1), intervals, marks).properties(
        width=layout.panel_width, height=240
    )
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def _strips(found: Map) -> Rows:
    """Tiles of one batch size with the same word side by side, as one rectangle each."""
    rows: Rows = []
    for tile in found.tiles:
        row = {
            "kind": "region",
            "low": tile.rate_low,
            "high": tile.rate_high,
            "batch_low": tile.batch_low,
            "batch_high": tile.batch_high,
            "reading": tile.reading,
            "decided": tile.decided_by or "nothing",
        }
        same = ("batch_low", "reading", "decided")
        if rows and all(rows[-1][name] == row[name] for name in same):
            rows[-1]["high"] = tile.rate_high
        else:
            rows.append(row)
    return rows


def _spot(spot: Spot) -> dict[str, object]:
    word = "equal"
    if spot.failed is not None:
        word = FAILED.get(spot.failed, "both failed")
    elif spot.gain is not None and spot.gain != 0:
        word = "better" if spot.gain > 0 else "worse"
    return {
        "kind": "spot",
        "rate": spot.learning_rate,
        "batch": spot.batch_size,
        "spot": word,
        "ratio": _ratio(spot.gain),
        "seed": spot.seed,
    }


def _ratio(gain: float | None) -> float | None:
    """Errors as a multiple of the reference's, for a gain in logs."""
    return None if gain is None else math.exp(-gain)
