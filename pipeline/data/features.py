"""Columns to rows of numbers; what that takes is learned from the training rows alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.columns import Numbers, Texts, in_order
from pipeline.data.source import Integers
from pipeline.data.table_file import Table
from pipeline.errors import Refusal
from pipeline.records import Column

MISSING = ("refuse", "mean", "median", "most_frequent")


@dataclass(frozen=True, eq=False)
class Features:
    """A table's columns that something is predicted from.

    Attributes:
        table: Where they come from, for the messages.
        numeric: Numbers by column, NaN where they are missing.
        categorical: Texts by column, None where they are missing.
        missing: Of MISSING: what a missing number becomes. A missing text becomes the most
            frequent one, if it is not refused.
        standardize: Whether numbers are taken less their mean and over their deviation.

    Raises:
        Refusal: A value is missing, and that is to be refused.
    """

    table: Table
    numeric: Mapping[str, Numbers]
    categorical: Mapping[str, Texts]
    missing: str
    standardize: bool

    def __post_init__(self) -> None:
        """Refuse missing values, if that is what is asked for."""
        if self.missing != "refuse":
            return
        named: dict[str, Numbers | Texts] = {**self.numeric, **self.categorical}
        for name, values in named.items():
            check_complete(
                self.table,
                name,
                values,
                "fill or remove these rows, or let dataset.source.missing say mean, median or "
                "most_frequent",
            )

    def encoded(self, train: Integers) -> NDArray[np.float32]:
        """Return all rows: numeric columns, then one column for each category of the others.

        A column that is constant in the training rows is 0 when it is standardized, and a
        category that they don't hold has no column: its row is 0 in all of its columns.

        Args:
            train: The rows that means, deviations, imputed values and categories are learned from.

        Returns:
            Shape (rows, columns).

        Raises:
            Refusal: A column has no value in the training rows, or one too large.
        """
        try:
            return encoded(self.table, self.learned(train), {**self.numeric, **self.categorical})
        except MemoryError:
            raise Refusal(
                f"{self.table.file}: its columns do not fit into memory; leave out "
                "the categorical column with the most categories"
            ) from None

    def learned(self, train: Integers) -> tuple[Column, ...]:
        """Return what the columns become, in the order of `encoded`.

        Raises:
            Refusal: A column has no value in the training rows, or one too large.
        """
        return (
            *(self._numbers(name, values, train) for name, values in self.numeric.items()),
            *(self._categories(name, values, train) for name, values in self.categorical.items()),
        )

    def _numbers(self, name: str, values: Numbers, train: Integers) -> Column:
        learned = values[train]
        known = learned[~np.isnan(learned)]
        self._check_some(name, len(known))
        middle = _middle(known, self.missing)
        filled = np.where(np.isnan(learned), middle, learned)
        mean, deviation = moments(filled) if self.standardize else (0.0, 1.0)
        if not np.isfinite([middle, mean, deviation]).all():
            row = int(train[np.nanargmax(np.abs(learned))])
            raise _too_large(self.table, name, values, row)
        fill = None if self.missing == "refuse" else middle
        return Column(name=name, fill=fill, mean=mean, deviation=deviation, levels=None)

    def _categories(self, name: str, values: Texts, train: Integers) -> Column:
        counts = Counter(value for value in values[train] if value is not None)
        self._check_some(name, len(counts))
        levels = in_order(set(counts))
        most = max(levels, key=lambda level: counts[level])  # the first of the most frequent
        fill = None if self.missing == "refuse" else most
        return Column(name=name, fill=fill, mean=0.0, deviation=1.0, levels=tuple(levels))

    def _check_some(self, name: str, count: int) -> None:
        if not count:
            raise Refusal(
                f"{self.table.place(name)}: is empty in the training rows; leave the column out"
            )


def encoded(
    table: Table, columns: Sequence[Column], values: Mapping[str, Numbers | Texts]
) -> NDArray[np.float32]:
    """Return rows as columns that were learned, perhaps from other rows, have them.

    Args:
        table: Where the values come from, for the messages.
        columns: What was learned.
        values: Of each of the columns; one number or text for each row.

    Returns:
        Shape (rows, columns).

    Raises:
        Refusal: A number is too large for single precision.
    """
    return np.concatenate(
        [
            _scaled(table, column, np.asarray(values[column.name], np.float64))
            if column.levels is None
            else _told_apart(column, values[column.name])
            for column in columns
        ],
        axis=1,
    )


def _scaled(table: Table, column: Column, values: Numbers) -> NDArray[np.float32]:
    filled = values if column.fill is None else np.where(np.isnan(values), column.fill, values)
    with np.errstate(over="ignore"):  # refused below
        scaled = (
            (filled - column.mean) / column.deviation if column.deviation else np.zeros_like(filled)
        )
        found = scaled.astype(np.float32)
    if not np.isfinite(found).all():
        raise _too_large(table, column.name, values, int(np.argmin(np.isfinite(found))))
    return found[:, np.newaxis]


def _told_apart(column: Column, values: Numbers | Texts) -> NDArray[np.float32]:
    levels = column.levels or ()
    positions: dict[object, int] = {level: position for position, level in enumerate(levels)}
    found = np.zeros((len(values), len(levels)), np.float32)
    for row, value in enumerate(values):
        if (position := positions.get(column.fill if value is None else value)) is not None:
            found[row, position] = 1
    return found


def _too_large(table: Table, name: str, values: Numbers, row: int) -> Refusal:
    return Refusal(
        f"{table.place(name, row)}: {values[row]:g} is too large for single "
        "precision; take its logarithm, or leave the column out"
    )


def check_complete(table: Table, name: str, values: Numbers | Texts, way_out: str) -> None:
    """Refuse a column with missing values.

    Raises:
        Refusal: There is one; the line says how many, and which is the first.
    """
    missing = np.array([value is None or value != value for value in values])
    if missing.any():
        raise Refusal(
            f"{table.place(name, int(np.argmax(missing)))}: the value is missing, one of "
            f"{missing.sum()} in {len(values)} rows; {way_out}"
        )


def standardized(values: Numbers, train: Integers) -> tuple[Numbers, float, float]:
    """Return values less the training rows' mean and over their deviation, and these two.

    What is constant in the training rows is 0 everywhere, its deviation 0. Where numbers are
    too large for a deviation, they are NaN.
    """
    mean, deviation = moments(values[train])
    if not deviation:
        return np.zeros_like(values), mean, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        return (values - mean) / deviation, mean, deviation


def moments(values: Numbers) -> tuple[float, float]:
    """Return mean and deviation, rounded the same way on every machine; NaN where too large.

    The deviation of what is constant is 0.
    """
    mean = _mean(values)
    if values.min() == values.max():  # not the deviation, which may round to more than 0
        return mean, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = math.sqrt(_mean((values - mean) ** 2))
    return mean, deviation if np.isfinite(deviation) else math.nan


def _middle(known: Numbers, missing: str) -> float:
    """Return what a missing number becomes."""
    if missing == "median":
        return float(np.median(known))
    if missing == "most_frequent":  # the smallest of them
        different, counts = np.unique(known, return_counts=True)
        return float(different[counts.argmax()])
    return _mean(known)


def _mean(values: Numbers) -> float:
    """Return the mean, rounded the same way on every machine; NaN where it is too large."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.nan
