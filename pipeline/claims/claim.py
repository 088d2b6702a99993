"""A claim: somebody's sentence, and how it is judged, fixed before the runs.

One file under conf/claim/ each. A claim that says several things at once has
several parts, all of which must hold; `beside` is judged and printed, and
decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipeline.arguments import Argument, Count
from pipeline.claims.rules import Rule, Word
from pipeline.components import resolve
from pipeline.content import Record
from pipeline.errors import Refusal, nearest
from pipeline.records import Component, Study
from pipeline.statistics.intervals import Level
from pipeline.statistics.pairs import Statistics
from pipeline.statistics.runs import figures, settings

HEADLINE_LEVEL = 0.99  # five headline claims: any wrong one among them has at most 5%
METRICS = ("metric", "curve", "slow", "fast", "examples")  # arguments of kinds that name a figure

Text = Annotated[str, Field(min_length=1)]
Values = dict[str, Argument]


class Part(Record):
    """One scalar effect and its rule.

    `effect` is a kind of effect by its dotted path, with its own arguments.
    `treatment` and `control` say by columns of the runs' table which runs stand
    on either side (several values mean any of them), `where` what holds for
    both, and `block` what two runs share; `control` is absent where the kind
    looks at one side. `asserts`: the part says that treatment minus control is
    greater, or less, than zero; amounts, bands and margins are in the units of the
    effect after that turn.
    """

    named_by: ClassVar = ("name",)

    name: Text
    effect: Component
    treatment: Values
    control: Values | None
    where: Values
    block: Annotated[tuple[str, ...], Field(min_length=1)]
    asserts: Literal["greater", "less"]
    rule: Rule


class Claim(Record):
    """A statement of `source` in our words, the experiment that tests it, and the verdict expected.

    `id` is its number in the list, `name` its file's. `statistics` decide;
    the other kind is printed beside. `selection` says whether rates are those
    that the file names or tuned per arm. `clusters` is how many seeds are asked
    for, `minimum` how many must come back, `level` the interval's.
    `failure_margin` is the difference in the share of failures that is
    practically none. `specifications` names further experiments in which the same
    parts are looked at, for robustness. `control` marks a claim that an arm is
    harmful whose truth is known beforehand.
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
        names = [part.name for part in (*self.parts, *self.beside)]
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

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that a part names, sorted."""
        named: set[str] = set()
        for part in (*self.parts, *self.beside):
            for side in (part.treatment, part.control or {}, part.where):
                arm = side.get("arm")
                named |= {str(each) for each in (arm if isinstance(arm, tuple) else (arm,)) if each}
        return tuple(sorted(named))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the runs' table, besides figures, that a part names, sorted."""
        named: set[str] = set()
        for part in (*self.parts, *self.beside):
            named |= {*part.treatment, *(part.control or {}), *part.where, *part.block}
        return tuple(sorted(named))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every figure of a run that a part names, sorted."""
        return tuple(
            sorted(
                {
                    str(part.effect.arguments[name])
                    for part in (*self.parts, *self.beside)
                    for name in METRICS
                    if name in part.effect.arguments
                }
            )
        )


def check_claim(claim: Claim, experiment: str, studies: Sequence[Study], *, place: str) -> None:
    """Refuse a claim that names what its experiment does not have.

    Args:
        claim: As its file has it.
        experiment: Its own, or one of its further specifications.
        studies: Of the experiment.
        place: The file, for the message.

    Raises:
        Refusal: An arm, a figure, a column or a kind of effect does not exist.
    """
    check_arms(claim, experiment, {study.arm for study in studies}, place=place)
    _check(claim.metrics, figures(studies), "figure", experiment, place)
    _check(claim.columns, settings(studies), "setting", experiment, place)
    for part in (*claim.parts, *claim.beside):
        try:
            resolve(part.effect.target)
        except Refusal as refusal:
            raise Refusal(f"{place}: {refusal}") from refusal


def check_arms(claim: Claim, experiment: str, arms: Collection[str], *, place: str) -> None:
    """Refuse a claim that names an arm which its experiment does not have.

    Raises:
        Refusal: There is no such arm.
    """
    _check(claim.arms, arms, "arm", experiment, place)


def _check(
    names: Sequence[str], known: Collection[str], what: str, experiment: str, place: str
) -> None:
    for name in names:
        if name not in known:
            raise Refusal(f"{place}: no {what} {name!r} in {experiment}{nearest(name, known)}")
