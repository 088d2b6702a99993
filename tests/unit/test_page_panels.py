"""Ticks as Vega draws them."""

from __future__ import annotations

import re

import altair as alt
import pytest
import vl_convert

from pipeline.page.panels import count_axis


@pytest.mark.parametrize("last", [1, 2, 3, 4, 6, 8, 12, 25])
def test_an_axis_of_counts_says_no_number_twice(last: int) -> None:
    rows = [{"epoch": epoch} for epoch in range(1, last + 1)]
    x = alt.X("epoch:Q", axis=count_axis(rows, "epoch"), scale=alt.Scale(nice=False, zero=False))
    chart = alt.Chart(alt.Data(values=rows)).mark_point().encode(x=x).properties(width=150)
    said = re.findall(r"<text[^>]*>(\d+)</text>", vl_convert.vegalite_to_svg(chart.to_dict()))
    ticks = [int(each) for each in said]
    assert len(ticks) >= min(last, 4)
    assert ticks == sorted(set(ticks))
    assert set(ticks) <= set(range(1, last + 1))
