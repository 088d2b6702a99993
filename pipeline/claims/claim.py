"""A claim: somebody's sentence, and how it is judged, fixed before the runs.

One file under conf/claim/ each. A claim that says several things at once has
several parts, all of which must hold; `beside` is judged and printed, and
decides nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipeline.arguments import Argument, Count
from pipeline.claims.rules import Rule, Word
from pipeline.content import Record
from pipeline.records import Component
from pipeline.statistics.intervals import Level
from pipeline.statistics.pairs import Statistics

HEADLINE_LEVEL = 0.99  # five headline claims: any wrong one among them has at most 5%

Text = Annotated[str, Field(min_length=1)]
Values = dict[str, Argument]


class Part(Record):
    """One scalar effect and its rule.

    `effect` is a kind of effect by its dotted path, with its own arguments.
    `treatment` and `control` say by columns of the runs' table which runs stand
    on either side (several values mean any of them), `where` what holds for
    both, and `block` what two runs share; `control` is absent where the kind
    looks at one side. `own` is an axis, such as the learning rate, at whose value that
    it chose for itself each side stands (pipeline/statistics/own_rates.py).
    `asserts`: the part says that treatment minus control is greater, or less, than zero;
    amounts, bands and margins are in the units of the effect after that turn.
    """

    named_by: ClassVar = ("name",)

    name: Text
    effect: Component
    treatment: Values
    control: Values | None
    where: Values
    own: Text | None
    block: Annotated[tuple[str, ...], Field(min_length=1)]
    asserts: Literal["greater", "less"]
    rule: Rule

    @model_validator(mode="after")
    def _chooses_what_nothing_fixes(self) -> Self:
        fixed = {*self.treatment, *(self.control or {}), *self.where, *self.block}
        if self.own in fixed:
            raise ValueError(f"own is chosen, so that nothing else may name {self.own}")
        return self


class Claim(Record):
    """A statement of `source` in our words, the experiment that tests it, and the verdict expected.

    `id` is its number in the list, `name` its file's. `statistics` decide;
    the other kind is printed beside. `selection` says whether rates are those
    that the file names or tuned per arm. `clusters` is how many seeds are asked
    for, `minimum` how many must come back, `level` the interval's.
    `failure_margin` is the difference in the share of failures that is
    practically none. `manipulation` are parts that must hold for the runs to have
    done what the claim is about, such as that one side has normalization at all:
    while one is not supported, the claim is inconclusive. `specifications` names
    further experiments in which the same parts are looked at, for robustness.
    `control` marks a claim whose truth is known beforehand.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")]
    source: Text
    statement: Text
    experiment: Text
    statistics: Statistics
    selection: Literal["fixed", "tuned"]
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    beside: tuple[Part, ...]
    manipulation: tuple[Part, ...] = ()
    clusters: Count
    minimum: Count
    level: Level
    failure_margin: Annotated[float, Field(gt=0, lt=1)]
    headline: bool
    specifications: dict[str, str]
    control: Literal["negative", "positive", "sabotage"] | None
    expected: Word

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        parts = (*self.parts, *self.beside, *self.manipulation)
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise ValueError("parts must have different names")
        if self.minimum > self.clusters:
            raise ValueError(
                f"minimum must not exceed clusters, got {self.minimum} of {self.clusters}"
            )
        if self.headline and self.level < HEADLINE_LEVEL:
            raise ValueError(
                f"a headline claim has a level of {HEADLINE_LEVEL} or more, got {self.level:g}"
            )
        return self
