"""Scores over an axis that an experiment varied: epsilon, depth, batch size, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

import altair as alt

from pipeline.arguments import Scalar
from pipeline.findings.places import named
from pipeline.findings.settings.figures import Factors, Figures, Setting
from pipeline.findings.stability.figures import Figures as Rates
from pipeline.findings.summary import Summary
from pipeline.page.palette import colors, shapes
from pipeline.page.panels import Chart, Layout, Rows, among, estimated, panels, told
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.runs import RATE
from pipeline.wording import arguments, settings

KINDS = ["moving", "recalibrated"]
# of the norm itself; what varies beside them is drawn with them
NORM_AXES = ("norm.epsilon", "norm.momentum")


def named_factors(summary: Summary, shown: Callable[[Factors], bool]) -> list[tuple[str, Factors]]:
    """Return the cells of fixed settings that are shown together, each with a short name."""
    return named([each for each in summary.of(Figures).cells if shown(each)])


def drawn_factors(summary: Summary, axis: str) -> list[tuple[str, Factors]]:
    """Return the cells that the chart of an axis shows."""
    return named_factors(summary, lambda factors: _is_drawn(summary, factors, axis))


def axes(summary: Summary) -> list[str]:
    """List the axes with two numbers or more, in order, without those that are drawn elsewhere."""
    return list(
        dict.fromkeys(
            axis
            for factors in summary.of(Figures).cells
            for axis in factors.axes
            if _is_drawn(summary, factors, axis)
        )
    )


def axis_score(summary: Summary, axis: str) -> str:
    """Return what the cells that the chart of an axis shows call their score."""
    scores = {factors.task.score for _, factors in drawn_factors(summary, axis)}
    return scores.pop() if len(scores) == 1 else summary.task(Figures).score


def axis_name(summary: Summary, axis: str) -> str:
    """Return what an axis is called among those of this page."""
    return settings({axis, *(each for found in summary.of(Figures).cells for each in found.axes)})[
        axis
    ]


def axis_chart(summary: Summary, axis: str, layout: Layout) -> Chart | None:
    """Scores over one axis, one line for each arm, statistics side by side."""
    score = axis_score(summary, axis)
    rows: Rows = []
    for name, factors in drawn_factors(summary, axis):
        rows += _rows(name, factors, axis)
    if not rows:
        return None
    every = list(summary.arms)
    arms = among(every, rows)
    x = alt.X(
        "value:Q",
        title=axis_name(summary, axis),
        scale=alt.Scale(type="log", nice=False, padding=16),
        axis=alt.Axis(
            format=".4~g", values=_values(rows), labelOverlap=True, labelSeparation=4, grid=False
        ),
    )
    y = alt.Y(
        "estimate:Q",
        title=f"validation {score}",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format=".3~p", tickCount=6),
    )
    dash = alt.condition("datum.kind === 'moving'", alt.value([1, 0]), alt.value([5, 4]))
    base = alt.Chart().encode(
        x=x,
        color=alt.Color(
            "arm:N",
            scale=colors(arms, of=every),
            title="arm",
            legend=alt.Legend(columns=layout.small_columns, labelLimit=layout.label_width),
        ),
        detail="kind:N",
    )
    lines = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=dash)
    intervals = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("low:Q", title=f"validation {score}"), y2="high:Q"
    )
    points = base.mark_point(size=60, opacity=1, strokeWidth=2).encode(
        y=y,
        shape=alt.Shape("arm:N", scale=shapes(arms, of=every), title="arm"),
        fill=alt.Fill("arm:N", scale=colors(arms, of=every), title="arm"),
        fillOpacity=alt.condition("datum.kind === 'moving'", alt.value(1), alt.value(0)),
        tooltip=[
            alt.Tooltip("arm:N"),
            alt.Tooltip("kind:N", title="statistics"),
            alt.Tooltip("value:Q", title=axis_name(summary, axis), format=".3~g"),
            alt.Tooltip("estimate:Q", title=score, format=".2%"),
            alt.Tooltip("low:Q", title="from", format=".2%"),
            alt.Tooltip("high:Q", title="to", format=".2%"),
            alt.Tooltip("runs:N"),
        ],
    )
    missing = (
        alt.Chart()
        .mark_text(angle=270, align="left", fontSize=11)
        .encode(x=x, y=alt.value(235), text=told("missing"))
    )
    panel = alt.layer(intervals, lines, points, missing)
    panel = panel.properties(width=layout.panel_width, height=240)
    return panels(panel, rows, layout.columns, layout.panel_width, own_scales=False)


def _rows(name: str, factors: Factors, axis: str) -> Rows:
    rows: Rows = []
    for setting in factors.settings:
        value = setting.values.get(axis)
        if not _is_number(value):
            continue
        counts = setting.outcomes
        others = {key: each for key, each in setting.values.items() if key != axis}
        place = {
            "cell": f"{name}\n{arguments(others)}" if others else name,
            **factors.place.row,
            "arm": setting.arm,
            "value": value,
            "runs": f"{counts.runs} of {setting.planned}, {counts.failed} failed",
        }
        found = {kind: effect for kind, effect in _effects(setting).items() if effect is not None}
        rows += [
            {**place, "kind": kind, **estimated(effect, _share)} for kind, effect in found.items()
        ]
        if not found:
            rows.append({**place, "kind": "moving", "missing": f"{setting.arm} missing"})
    return rows


def _share(limit: float) -> float:
    """Return a limit that is drawn no further than a score goes."""
    return min(max(limit, 0.0), 1.0)


def _is_drawn(summary: Summary, factors: Factors, axis: str) -> bool:
    if len(_numbers(factors, axis)) < 2:
        return False
    alike: dict[str, object] = {"optimizer": "", "batch_size": None}
    mapped = [each.place.model_copy(update=alike) for each in summary.of(Rates).cells]
    if axis == RATE and factors.place.model_copy(update=alike) in mapped:
        return False
    return axis in NORM_AXES or not set(NORM_AXES) & set(factors.axes)


def _effects(setting: Setting) -> dict[str, Estimate | None]:
    return {"moving": setting.moving, "recalibrated": setting.recalibrated}


def _values(rows: Rows) -> list[float]:
    return sorted({row["value"] for row in rows})


def _numbers(factors: Factors, axis: str) -> set[float]:
    values = [setting.values.get(axis) for setting in factors.settings]
    return {float(value) for value in values if _is_number(value)}


def _is_number(value: Scalar) -> TypeGuard[int | float]:
    """Say whether a logarithmic axis can show it: a number above zero."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
