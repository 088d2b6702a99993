"""Columns become numbers or texts, the same whether pyarrow reads them at once or we one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data import columns
from pipeline.data.table_file import Table
from pipeline.errors import Refusal

WRITTEN = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(1 << 60), 1 << 60).map(str)
    | st.from_regex(r"[+-]?[0-9]{0,4}\.?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.sampled_from(
        ["", "NA", "nan", "NaN", "inf", "-Infinity", " 1 ", "1_0", "0x1", "true", "x"]
    )
)


def table(values: list[Any], kind: Any = None) -> Table:
    return Table(Path("made up"), pa.table({"x": pa.array(values, kind)}), first_row=1)


def found(values: list[Any]) -> list[float] | str:
    try:
        return columns.numbers(table(values), "x", "numeric", "leave it out").tolist()
    except Refusal as refusal:
        return str(refusal)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(WRITTEN, min_size=1, max_size=4))
def test_numbers_read_at_once_are_those_read_one_by_one(values: list[str]) -> None:
    at_once = found(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_at_once", lambda _: None)
        one_by_one = found(values)
    np.testing.assert_equal(at_once, one_by_one)


def test_numbers_at_once_are_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_number", None)
    assert found(["1", "-2.5", "3e1"]) == [1, -2.5, 30]
    assert found([1, None, 3])[::2] == [1, 3]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.string()])
def test_a_whole_number_that_a_double_cannot_hold_is_refused(kind: Any) -> None:
    number = (1 << 53) + 1
    value = str(number) if kind == pa.string() else number
    with pytest.raises(Refusal, match="a whole number that floating-point numbers can't tell"):
        columns.numbers(table([1 if value == number else "1", value], kind), "x", "n", "")


def test_texts_are_trimmed_and_whole_numbers_written_as_such() -> None:
    assert columns.texts(table([" a ", "", "NA", "b"]), "x", "n").tolist() == ["a", None, None, "b"]
    assert columns.texts(table([1.0, 2.5, None]), "x", "n").tolist() == ["1", "2.5", None]
    assert columns.texts(table([True, False]), "x", "n").tolist() == ["True", "False"]


def test_whole_numbers_are_sorted_by_value_and_all_else_as_text() -> None:
    assert columns.in_order({"10", "9", "-1"}) == ["-1", "9", "10"]
    assert columns.in_order({"10", "9", "b"}) == ["10", "9", "b"]
