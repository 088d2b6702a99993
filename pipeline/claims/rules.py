"""The kinds of claims, and what an interval says about each: the verdict table's middle.

`theta` is oriented as its claim asserts it, and `margin` is the half-width of
the region of practical equivalence. Margins are in the units of theta.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.arguments import Positive
from pipeline.content import Record

Word = Literal["supported", "refuted", "no practical difference", "inconclusive", "not tested here"]


class Exact(Record):
    """A count or an identity: every value within, or some value beyond, `tolerance` of `value`."""

    kind: Literal["exact"]
    value: float
    tolerance: Annotated[float, Field(ge=0)]
    asserts: Literal["within", "beyond"]


class Direction(Record):
    """Theta is positive."""

    kind: Literal["direction"]
    margin: Positive


class Amount(Record):
    """Theta is at least `amount`."""

    kind: Literal["amount"]
    amount: float
    margin: Positive


class Band(Record):
    """Theta lies in [low, high]."""

    kind: Literal["band"]
    low: float
    high: float
    margin: Positive

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low must not exceed high, got {self.low:g} and {self.high:g}")
        return self


class Equivalence(Record):
    """Theta is practically zero."""

    kind: Literal["equivalence"]
    margin: Positive


IntervalRule = Direction | Amount | Band | Equivalence
Rule = Annotated[Exact | IntervalRule, Field(discriminator="kind")]


def word_of(rule: IntervalRule, low: float, high: float) -> Word:
    """Say what an interval means for a claim; a missing limit is infinite.

    Raises:
        ValueError: `low` exceeds `high`, or one is NaN.
    """
    if not low <= high:
        raise ValueError(f"not an interval: [{low}, {high}]")
    match rule:
        case Direction(margin=margin):
            return _direction(margin, low, high)
        case Amount(amount=amount, margin=margin):
            if low >= amount - margin:
                return "supported"
            return "refuted" if high < amount - margin else "inconclusive"
        case Band():
            return _inside(rule.low - rule.margin, rule.high + rule.margin, low, high)
        case Equivalence(margin=margin):
            return _inside(-margin, margin, low, high)


def boundaries(rule: IntervalRule) -> tuple[float, ...]:
    """Where a verdict changes: an interval that crosses none of these is conclusive."""
    match rule:
        case Amount(amount=amount, margin=margin):
            return (amount - margin,)
        case Band():
            return (rule.low - rule.margin, rule.high + rule.margin)
        case Direction(margin=margin) | Equivalence(margin=margin):
            return (-margin, margin)


def _direction(margin: float, low: float, high: float) -> Word:
    if low > margin:
        return "supported"
    if high < -margin:
        return "refuted"
    if low >= -margin and high <= margin:
        return "no practical difference"
    return "inconclusive"


def _inside(least: float, most: float, low: float, high: float) -> Word:
    if least <= low and high <= most:
        return "supported"
    return "refuted" if high < least or low > most else "inconclusive"
