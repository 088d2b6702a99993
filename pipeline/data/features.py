"""Columns to rows of numbers; what that takes is learned from the training rows alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.columns import Numbers, Texts, in_order
from pipeline.data.source import Integers
from pipeline.data.table_file import Table
from pipeline.errors import Refusal

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
        parts = [self._numbers(name, values, train) for name, values in self.numeric.items()]
        parts += [
            self._categories(name, values, train) for name, values in self.categorical.items()
        ]
        try:
            return np.concatenate(parts, axis=1)
        except MemoryError:
            raise Refusal(
                f"{self.table.file}: its columns do not fit into memory; leave out "
                "the categorical column with the most categories"
            ) from None

    def _numbers(self, name: str, values: Numbers, train: Integers) -> NDArray[np.float32]:
        known = values[train][~np.isnan(values[train])]
        self._check_some(name, len(known))
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            filled = np.where(np.isnan(values), _middle(known, self.missing), values)
            if self.standardize:
                filled = standardized(filled, train)[0]
            found = filled.astype(np.float32)
        if not np.isfinite(found).all():
            row = int(np.argmin(np.isfinite(found)))
            raise Refusal(
                f"{self.table.place(name, row)}: {values[row]:g} is too large for single "
                "precision; take its logarithm, or leave the column out"
            )
        return found[:, np.newaxis]

    def _categories(self, name: str, values: Texts, train: Integers) -> NDArray[np.float32]:
        counts = Counter(value for value in values[train] if value is not None)
        self._check_some(name, len(counts))
        levels = in_order(set(counts))
        most = max(levels, key=lambda level: counts[level])  # the first of the most frequent
        positions = {level: position for position, level in enumerate(levels)}
        found = np.zeros((len(values), len(levels)), np.float32)
        for row, value in enumerate(values):
            if (position := positions.get(most if value is None else value)) is not None:
                found[row, position] = 1
        return found

    def _check_some(self, name: str, count: int) -> None:
        if not count:
            raise Refusal(
                f"{self.table.place(name)}: is empty in the training rows; leave the column out"
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
    learned = values[train]
    mean = _mean(learned)
    if learned.min() == learned.max():  # not the deviation, which may round to more than 0
        return np.zeros_like(values), mean, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = math.sqrt(_mean((learned - mean) ** 2))
        scaled = (values - mean) / (deviation if np.isfinite(deviation) else np.nan)
    return scaled, mean, deviation


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
