"""Settings that were fixed beforehand and varied: depth, batch size, and every other axis."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.settings.chart import (
    NORM_AXES,
    axes,
    axis_chart,
    axis_name,
    axis_score,
    drawn_factors,
)
from pipeline.findings.settings.figures import Factors, Figures, Setting
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Figure, Nothing, Section, Table
from pipeline.page.panels import file_name
from pipeline.wording import ABSENT, MISSING, arguments, capital, percent, percentage


def section(summary: Summary) -> Section:
    """Return a chart for each axis, and a table for each cell."""
    blocks: list[Block] = [drawn(summary, axis) for axis in axes(summary) if axis not in NORM_AXES]
    if summary.of(Figures).cells:
        blocks += [_table(found) for found in summary.of(Figures).cells]
    else:
        blocks.append(Nothing("Nothing to show: no experiment has fixed settings."))
    return Section("settings", "Depth, batch size and other settings", tuple(blocks))


def drawn(summary: Summary, axis: str) -> Figure:
    """Draw scores over one axis."""
    score = axis_score(summary, axis)
    level, name = percentage(summary.analysis.level), axis_name(summary, axis)
    return figure(
        summary,
        f"over-{file_name(name)}",
        lambda found, layout: axis_chart(found, axis, layout),
        caption=f"Validation {score} over {name}, with moving statistics (filled marks, "
        "solid lines) and with recalibrated ones (hollow marks, dashed lines): means over the "
        f"seeds whose loss stayed finite, with {level} intervals.",
        described=f"Lines over {name}, one for each arm. {_described(summary, axis)}",
        stage="sweep",
    )


def _table(found: Factors) -> Table:
    has_parameters = any(setting.parameters is not None for setting in found.settings)
    heads = (
        "Arm",
        *(("Settings",) if found.axes else ()),
        "Runs",
        "Failed, moving statistics",
        "Failed, recalibrated",
        "of either, loss not finite",
        f"{capital(found.task.score)}, moving statistics",
        f"{capital(found.task.score)}, recalibrated",
        *(("Weights",) if has_parameters else ()),
    )
    rows = []
    for setting in found.settings:
        counts, row = setting.outcomes, [setting.arm]
        if found.axes:
            row.append(arguments(setting.values))
        row += [
            f"{counts.runs} of {setting.planned}",
            *(
                str(count) if counts.runs else MISSING
                for count in (counts.failed, counts.failed_recalibrated, counts.diverged)
            ),
            _scored(setting, moving=True),
            _scored(setting, moving=False),
        ]
        if has_parameters:
            row.append(MISSING if setting.parameters is None else f"{setting.parameters:,}")
        rows.append(tuple(row))
    place = found.place
    caption = f"{place.experiment}: {place.dataset}, {place.model}, {place.optimizer}"
    return Table(caption, heads, tuple(rows), labels=2 if found.axes else 1, folded=True)


def _scored(setting: Setting, *, moving: bool) -> str:
    found = setting.moving if moving else setting.recalibrated
    if found is not None:
        return percent(found)
    if not setting.outcomes.runs:
        return MISSING
    if setting.outcomes.runs == setting.outcomes.diverged:
        return "no loss stayed finite"
    return MISSING if moving else ABSENT


def _described(summary: Summary, axis: str) -> str:
    found = []
    for name, factors in drawn_factors(summary, axis):
        for setting in factors.settings:
            scored = setting.moving.value if setting.moving else None
            shown = MISSING if scored is None else f"{scored:.1%}"
            found.append(f"{name}, {setting.arm}, {arguments(setting.values)}: {shown}")
    return f"{'; '.join(found)}."
