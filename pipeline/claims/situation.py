"""A situation that a practitioner is in: the question, and what of a profile answers it.

One file under conf/situation/ each. It names parts of claims, tuned comparisons and maps; what
came of them decides (`findings/decisions/rule.py`), and nothing is measured for it alone.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.content import Record

Text = Annotated[str, Field(min_length=1)]
Standing = Literal["better", "worse", "same"]


class OfClaim(Record):
    """A part of a claim, by the claim's id and the part's name.

    `supported` is where the norm of the situation stands if the part is supported: `better` than
    what it is compared with, `worse`, or the `same`. Refuted means the opposite, for `same`
    that it is worse.
    """

    kind: Literal["claim"]
    claim: Text
    part: Text
    supported: Standing


class OfTuned(Record):
    """One tuned arm against another of its experiment and model, each at its own best settings."""

    kind: Literal["tuned"]
    experiment: Text
    model: Text
    arm: Text
    against: Text


class OfMap(Record):
    """A map over rates and batch sizes of one arm against another."""

    kind: Literal["map"]
    experiment: Text
    model: Text
    arm: Text
    against: Text


Named = Annotated[OfClaim | OfTuned | OfMap, Field(discriminator="kind")]


class Situation(Record):
    """A question and its evidence.

    `order` is its place on the page. `against_none` says how the norm does against `none`: no norm,
    or what else would be there without it; `against_other` how against `other`, such as layer norm.
    Both decide, and where `other` is empty, nobody asks for it. `use` and `leave` are what to do
    where it is better, and where it is worse. `beside` is told and decides nothing. `change` is
    what to do where the norm helps with recalibrated statistics alone.
    """

    name: Text
    order: int
    question: Text
    norm: Text
    none: Text
    other: str
    use: Text
    leave: Text
    change: Text
    against_none: tuple[Named, ...]
    against_other: tuple[Named, ...]
    beside: tuple[Named, ...]

    @model_validator(mode="after")
    def _rests_on_something(self) -> Self:
        if not self.against_none and not self.against_other:
            raise ValueError("against_none or against_other must name what answers the question")
        return self
