"""A table's columns as numbers, or as texts of categories; what is neither is refused by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.data.paths import one_form
from pipeline.data.table_file import Table
from pipeline.errors import Refusal

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null")
TRUTH = {"true": 1.0, "false": 0.0}
LARGEST_WHOLE = 1 << 53  # from there on, a double can't tell a whole number from the next

Numbers = NDArray[np.float64]
Texts = NDArray[np.object_]


def numbers(table: Table, name: str, key: str, way_out: str) -> Numbers:
    """Return a column's numbers, NaN where they are missing; true and false are 1 and 0.

    Args:
        table: The table.
        name: The column's name.
        key: The argument that names it.
        way_out: What to do about a column that holds none, for the message.

    Raises:
        Refusal: A value is no number, infinite, or a whole number too large to be kept apart.
    """
    column = _column(table, name, key)
    if (found := _at_once(column)) is not None:
        return found
    values = [_value(value) for value in column.to_pylist()]
    words = {value.lower() for value in values if isinstance(value, str)}
    is_truth = bool(words) and words <= TRUTH.keys()
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value is None:
            continue
        try:
            found[row] = TRUTH[str(value).lower()] if is_truth else _number(value)
        except OverflowError as error:
            raise Refusal(
                f"{table.place(name, row)}: {_short(value)} is {error}; repair it or leave it out"
            ) from None
        except ValueError:
            raise Refusal(
                f"{table.place(name, row)}: {_short(value)} is no number; {way_out}"
            ) from None
    return found


def texts(table: Table, name: str, key: str) -> Texts:
    """Return a column's values as text, None where they are missing.

    One name in two Unicode forms is one text (NFC), and 1.0 is written 1.

    Raises:
        Refusal: It holds neither text nor numbers.
    """
    values = [_value(value) for value in _column(table, name, key).to_pylist()]
    return np.array([None if value is None else _text(value) for value in values], np.object_)


def in_order(names: set[str]) -> list[str]:
    """Return categories sorted: whole numbers by value, all else as text."""
    if all(name.removeprefix("-").isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def _at_once(column: Any) -> Numbers | None:
    """Return a column's numbers as pyarrow reads them, 20 times as fast; None if any is special."""
    try:
        found: Numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        return None
    return None if (np.abs(found) >= LARGEST_WHOLE).any() else found


def _column(table: Table, name: str, key: str) -> Any:
    column = table.column(name, key)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        raise Refusal(
            f"{table.place(name)}: holds {kind}, neither numbers nor text; turn it into numbers, "
            "or leave it out"
        )
    return column


def _value(value: object) -> float | int | str | None:
    """Return a value; text is without blanks around it, and None is what is missing."""
    if isinstance(value, str):
        stripped = value.strip()
        return None if stripped in MISSING else stripped
    if value is None or value != value:  # NaN
        return None
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, int) else float(value)  # type: ignore[arg-type]


def _number(value: float | str) -> float:
    """Return a number.

    Raises:
        ValueError: It is none.
        OverflowError: It is, but not one to reckon with.
    """
    if isinstance(value, str) and ("_" in value or value.lower().strip("+-") == "nan"):
        raise ValueError(value)
    number = float(value)
    if not np.isfinite(number):
        raise OverflowError("infinite")
    is_whole = isinstance(value, int) or (isinstance(value, str) and value.strip("+-").isdecimal())
    if is_whole and abs(number) >= LARGEST_WHOLE:
        raise OverflowError("a whole number that floating-point numbers can't tell from the next")
    return number


def _text(value: float | str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return one_form(str(value))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"
