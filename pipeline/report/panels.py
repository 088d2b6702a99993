"""What the charts have in common: how large, how many side by side, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

from pipeline.analysis.effects import Effect
from pipeline.analysis.summary import Summary

Rows = list[dict[str, Any]]
Specification = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """How a chart fills its page: panels side by side, and sizes in pixels."""

    name: str
    columns: int
    panel_width: int
    small_columns: int
    small_width: int
    label_width: int


WIDE = Layout("wide", 2, 380, 4, 200, 130)
NARROW = Layout("narrow", 1, 215, 2, 118, 90)


def panels(
    panel: alt.LayerChart | alt.FacetChart,
    rows: Rows,
    columns: int,
    width: int,
    *,
    own_scales: bool,
) -> Specification:
    """Repeat a panel for each `cell` of the rows, in the rows' order.

    Args:
        panel: The chart of one cell.
        rows: The data; `cell` is the panel's title, a line break starts its second line.
        columns: Panels side by side, at most.
        width: Of a title, in pixels.
        own_scales: Whether each panel has axes of its own.
    """
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    header = alt.Header(labelLimit=width, labelExpr=r"split(datum.label, '\n')")
    chart = panel.facet(
        facet=alt.Facet("cell:N", sort=cells, title=None, header=header),
        data=alt.InlineData(values=rows),
        columns=min(columns, len(cells)),
        spacing=28,
    )
    if own_scales:
        chart = chart.resolve_scale(x="independent", y="independent")
    with alt.data_transformers.disable_max_rows():
        specification: Specification = chart.to_dict()
    return specification


def interval(effect: Effect) -> dict[str, float | None]:
    """Return an effect's fields of a row."""
    return {"estimate": effect.estimate, "low": effect.low, "high": effect.high}


def arms_of(summary: Summary) -> list[str]:
    """List the arms, the reference first, so that an arm has one colour in every chart."""
    found = dict.fromkeys(figures.study.arm for figures in summary.studies)
    return sorted(found, key=lambda arm: arm != summary.analysis.reference)
