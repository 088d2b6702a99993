"""How a study's trials are proposed, and which runs a design asks for that searches nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from pipeline.arguments import Count, Scalar
from pipeline.content import Record
from pipeline.records import Component


class OwnValue(Record):
    """How each arm comes to a value of one axis that suits it.

    The first `choosing` seeds run every value of `axis`, and what is best on them is what the
    other seeds run; these run the value `beside` as well, the same in every arm. Best is the
    least mean error, or with a `target` the fewest evaluations up to that validation score, or with
    several `evaluations` the best mean score over so many last ones; under `statistics`:
    `recalibrated` on training examples, where an arm has them, or `moving`.
    """

    axis: str
    choosing: Annotated[int, Field(ge=2)]
    target: float | None
    evaluations: Count
    statistics: Literal["moving", "recalibrated"]
    beside: Scalar


class Asked(NamedTuple):
    """A run of a design that combines values; of an `own` one, the chosen value is left open."""

    values: Mapping[str, Scalar]
    seed: int
    role: Literal["all", "choosing", "beside", "own"]


class Design(Record):
    """Which trials a study asks for, by a proposer built as `proposer(study, **arguments)`.

    At most `lag` trials are in flight: proposal n sees the results 0 .. n - lag.
    `searches`: trials are drawn from the study's space; else they combine the
    values of its axes. `has_winner`: the best trial's settings are confirmed on
    fresh seeds; what maps or compares fixed settings has none. `seeds` says which
    seed trial n has: `first` of the study's in every trial, its `own` (the first
    plus n), or `every`, so that each setting runs with each of them; with `own`, each that
    an arm did not choose for itself with some of them.
    """

    proposer: Component
    trials: Count
    lag: Count
    seed: Annotated[int, Field(ge=0)]
    searches: bool
    has_winner: bool
    seeds: Literal["first", "own", "every"]
    own: OwnValue | None

    @model_validator(mode="after")
    def _crosses_what_it_combines(self) -> Self:
        if self.searches == (self.seeds == "every"):
            known = "first or own" if self.searches else "every"
            what = "searches" if self.searches else "combines fixed settings"
            raise ValueError(f"seeds must be {known}: the design {what}, got {self.seeds}")
        if self.searches and self.own is not None:
            raise ValueError("own must be null: a design that searches has no axis to choose from")
        return self


@lru_cache(maxsize=256)
def runs_asked(
    axes: tuple[tuple[str, tuple[Scalar, ...]], ...], seeds: tuple[int, ...], own: OwnValue | None
) -> tuple[Asked, ...]:
    """Return every combination with its seeds, those that choose first and the chosen last.

    Args:
        axes: Names of settings and the values of each; the last one's change fastest.
        seeds: In order; the first ones choose.
        own: How arms choose; None where they don't.
    """
    names = [name for name, _ in axes]
    every = [dict(zip(names, row, strict=True)) for row in itertools.product(*dict(axes).values())]
    if own is None:  # a combination's runs stand together
        return tuple(Asked(values, seed, "all") for values in every for seed in seeds)
    choosing, others = seeds[: own.choosing], seeds[own.choosing :]
    at_one = [values for values in every if values[own.axis] == own.beside]
    open_ = [
        {name: value for name, value in values.items() if name != own.axis} for values in at_one
    ]
    return (
        *(Asked(values, seed, "choosing") for values in every for seed in choosing),
        *(Asked(values, seed, "beside") for values in at_one for seed in others),
        *(Asked(values, seed, "own") for values in open_ for seed in others),
    )
