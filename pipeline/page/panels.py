"""What the charts have in common: how large, how many side by side, in which order, and choices.

A chart is one Vega-Lite specification whose data are named `rows`. It is drawn as it stands for
paper and for pages without scripts; where scripts run, a reader points at its marks and, where
it has several models, optimizers or batch sizes, chooses among them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from pipeline.statistics.intervals import Estimate

Rows = list[dict[str, Any]]
Specification = dict[str, Any]
CHOICES = {  # column of the rows -> how the choice is labelled
    "dataset": "Dataset",
    "model": "Model",
    "optimizer": "Optimizer",
    "batch_size": "Batch size",
}


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
NARROW = Layout("narrow", 1, 235, 2, 125, 90)
LAYOUTS = (WIDE, NARROW)


@dataclass(frozen=True)
class Chart:
    """A specification without its data, and the data."""

    specification: Specification
    rows: Rows

    @property
    def whole(self) -> Specification:
        """The specification with its data inside."""
        return {**self.specification, "datasets": {"rows": self.rows}}


def panels(
    panel: alt.LayerChart | alt.FacetChart,
    rows: Rows,
    columns: int,
    width: int,
    *,
    own_scales: bool,
) -> Chart:
    """Repeat a panel for each `cell` of the rows, in the rows' order.

    Args:
        panel: The chart of one cell.
        rows: The data; `cell` is the panel's title, a line break starts its second line.
            Whatever else is in `CHOICES` and has several values can be chosen.
        columns: Panels side by side, at most.
        width: Of a title, in pixels.
        own_scales: Whether each panel has axes of its own.
    """
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    header = alt.Header(labelLimit=width, labelExpr=r"split(datum.label, '\n')")
    chart = panel.facet(
        facet=alt.Facet("cell:N", sort=cells, title=None, header=header),
        data=alt.NamedData("rows"),
        columns=min(columns, len(cells)),
        spacing=28,
    )
    if own_scales:
        chart = chart.resolve_scale(x="independent", y="independent")
    for column, label in CHOICES.items():
        values = list(dict.fromkeys(row[column] for row in rows if column in row))
        if len(values) > 1:
            name = f"chosen_{column}"
            chosen = alt.binding_select(
                options=[None, *values], labels=["all", *map(str, values)], name=f"{label} "
            )
            chart = chart.add_params(alt.param(name=name, value=None, bind=chosen))
            chart = chart.transform_filter(f"{name} === null || datum.{column} === {name}")
    specification: Specification = chart.to_dict(validate=False)  # a test does
    return Chart(specification=specification, rows=rows)


def line_at(**place: float) -> alt.Chart:
    """One dashed line across the panel, at an x or a y."""
    encoded = {axis: alt.datum(value) for axis, value in place.items()}
    line: alt.Chart = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(**encoded)
    return line


def told(field: str) -> Any:
    """Text of a field, where a row has it."""
    return alt.condition(f"isValid(datum.{field})", alt.Text(f"{field}:N"), alt.value(""))


def log_axis(
    rows: Rows, field: str, title: str, *, padding: int, form: str = ".4~g", base: int = 10
) -> dict[str, Any]:
    """Return what an X or Y with a logarithmic axis is made of, its ticks at the rows' values."""
    ticks = log_ticks(row[field] for row in rows if field in row)
    return {
        "shorthand": f"{field}:Q",
        "title": title,
        "scale": alt.Scale(type="log", base=base, nice=False, padding=padding),
        "axis": alt.Axis(format=form, values=ticks, labelOverlap=True, grid=False),
    }


def log_ticks(values: Iterable[float], *, most: int = 8) -> list[float]:
    """Ticks of a logarithmic axis: the values themselves, or powers of ten where they are many."""
    known = sorted(set(values))
    if len(known) <= most:
        return known
    ends = math.floor(math.log10(known[0])), math.ceil(math.log10(known[-1]))
    return [10.0**power for power in range(ends[0], ends[1] + 1)]


def count_axis(rows: Rows, field: str, *, most: int = 6) -> alt.Axis:
    """Return an axis of whole numbers, on which no tick stands between two of them."""
    values = [row[field] for row in rows]
    return alt.Axis(format="d", tickCount=max(1, min(most, max(values) - min(values))))


def open_intervals(base: alt.Chart, width: int) -> list[alt.Chart]:
    """Rules over the fields of `estimated`; dashes to the panel's edge where a limit is missing.

    Args:
        base: Encodes all but x.
        width: Of the panel.
    """
    dashes: dict[str, Any] = {"strokeWidth": 2, "strokeDash": [2, 4]}
    return [
        base.mark_rule(strokeWidth=2.5).encode(x="from:Q", x2="to:Q"),
        base.mark_rule(**dashes).encode(x="below:Q", x2=alt.value(0)),
        base.mark_rule(**dashes).encode(x="above:Q", x2=alt.value(width)),
    ]


def estimated(
    found: Estimate | None, shown: Callable[[float], float] = float
) -> dict[str, float | None]:
    """Return an estimate's fields of a row.

    `from` and `to` are there for an interval with both limits; `below` is where one without a
    low limit ends, `above` where one without a high limit begins.

    Args:
        found: The estimate; without one, no field has a value.
        shown: What each number becomes; increasing.
    """
    value, low, high = (
        None if each is None else shown(each)
        for each in ((found.value, found.low, found.high) if found else (None,) * 3)
    )
    is_closed = low is not None and high is not None
    return {
        "estimate": value,
        "low": low,
        "high": high,
        "from": low if is_closed else None,
        "to": high if is_closed else None,
        "below": high if low is None else None,
        "above": low if high is None else None,
    }


def among(arms: Sequence[str], rows: Rows) -> list[str]:
    """Keep the arms that a chart shows, in order."""
    shown = {row["arm"] for row in rows}
    return [arm for arm in arms if arm in shown]


def file_name(text: str) -> str:
    """Return a chart's name for files and ids: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "chart"
