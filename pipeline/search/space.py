"""A searched dimension: between the unit it is drawn in and the value a trial is given.

Every dimension is drawn as a plain number on an even scale: the value's
logarithm, that of its complement, an exponent, or a place on a grid.
"""

from __future__ import annotations

import math

from pipeline.studies import Dimension


def bounds(dimension: Dimension) -> tuple[float, float]:
    """Return the range that a dimension is drawn from, on its own scale."""
    if dimension.points is not None:
        return 0, dimension.points - 1
    return _ends(dimension)


def is_whole(dimension: Dimension) -> bool:
    """Tell whether only whole numbers are drawn."""
    return dimension.points is not None or dimension.scale == "powers_of_two"


def at(dimension: Dimension, unit: float) -> float | int:
    """Return the hyperparameter's value at a place in [0, 1) of its scale."""
    low, high = bounds(dimension)
    if is_whole(dimension):
        return value(dimension, low + int(unit * (high - low + 1)))
    return value(dimension, low + unit * (high - low))


def value(dimension: Dimension, drawn: float) -> float | int:
    """Return the hyperparameter's value for what was drawn within `bounds`."""
    low, high = _ends(dimension)
    if dimension.points is not None:
        drawn = low + (high - low) * drawn / (dimension.points - 1)
    if dimension.scale == "powers_of_two":
        return int(2 ** round(drawn))
    size = math.exp(drawn)
    return _rounded(1 - size if dimension.scale == "log_complement" else size)


def _rounded(number: float) -> float:
    """Return six significant digits: a question to copy, whatever the mathematics library."""
    return float(f"{number:.6g}")


def _ends(dimension: Dimension) -> tuple[float, float]:
    low, high = dimension.low, dimension.high
    if dimension.scale == "powers_of_two":
        return math.log2(low), math.log2(high)
    if dimension.scale == "log_complement":
        return math.log(1 - high), math.log(1 - low)
    return math.log(low), math.log(high)
