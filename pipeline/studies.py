"""What is planned: studies of cells, and who works.

A `Study` is an arm in a cell and the rule that proposes its trials. Like the questions and
answers of `records`, none of these holds a default: each value has its one home in conf/.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from pipeline.arguments import Argument, Count, Positive, Scalar
from pipeline.content import Record
from pipeline.designs import Asked, Design, runs_asked
from pipeline.records import Arm, Component, Precision, Probes, StepsPerEpoch, Task, Trainer


class Dimension(Record):
    """One searched hyperparameter: its range and the scale it is drawn on.

    `log` draws the value, `log_complement` draws 1 - value (for momenta near
    one), both log-uniformly; `powers_of_two` draws whole exponents. With
    `points`, the value comes from a grid of that many, even on its scale.
    """

    low: Positive
    high: Positive
    scale: Literal["log", "log_complement", "powers_of_two"]
    points: Annotated[int, Field(ge=2)] | None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low:g} and {self.high:g}")
        if self.scale == "log_complement" and self.high >= 1:
            raise ValueError(f"high must be less than 1 on this scale, got {self.high:g}")
        if self.scale == "powers_of_two" and not all(
            math.log2(each).is_integer() and each >= 1 for each in (self.low, self.high)
        ):
            raise ValueError(f"low and high must be powers of two, got {self.low:g}, {self.high:g}")
        return self


class Dataset(Record):
    """Where examples and targets come from, and how they are split.

    `task` is a file of conf/task: what is scored. `validation` and `test` are
    `publisher` where the source brings such a split of its own.
    """

    task: str
    source: Component
    train: Count
    validation: Count | Literal["publisher"]
    test: Count | Literal["publisher"]
    seed: Annotated[int, Field(ge=0)]


Seed = Annotated[int, Field(ge=0)]


def _unique(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds must differ from one another")
    return seeds


class CellFields(Record):
    """What a cell says; abstract, shared by `Cell` and `Study`.

    `task` is the dataset's. `examples` is how many of the training split are used, from its start;
    `steps_per_epoch` is None for epochs that see each of them once; `device` is `cpu` or `gpu:N`;
    `trainer` is the module of `pipeline.training` that trains; a `precision` that is slower here is
    refused, unless `allow_slow_precision`; weight decay spares gamma and beta unless
    `decay_norm_weights`.
    """

    dataset: str
    task: Task
    model_name: str
    model: Component
    arm: str
    norm: Arm
    optimizer_name: str
    optimizer: Component
    batch_size: Count
    epochs: Count
    steps_per_epoch: StepsPerEpoch
    examples: Count
    seed: Annotated[int, Field(ge=0)]
    device: Annotated[str, Field(pattern=r"^(cpu|gpu:\d+)$")]
    trainer: Trainer
    precision: Precision
    allow_slow_precision: bool
    decay_norm_weights: bool
    probes: Probes

    @field_validator("steps_per_epoch")
    @classmethod
    def _has_one_for_each_epoch(cls, steps: StepsPerEpoch, told: ValidationInfo) -> StepsPerEpoch:
        epochs = told.data.get("epochs")
        if epochs and isinstance(steps, tuple) and len(steps) != epochs:
            raise ValueError(
                f"must be one number or one for each of {epochs} epochs, got {len(steps)}"
            )
        return steps

    def placed(self, values: Mapping[str, Argument]) -> Self:
        """Return a copy with some hyperparameters set.

        Args:
            values: By name: `batch_size`, or `optimizer.`, `norm.` or `model.`
                followed by the name of an argument.
        """
        cell = self
        for name, value in values.items():
            section, _, argument = name.partition(".")
            chosen = getattr(cell, section).with_argument(argument, value) if argument else value
            cell = cell.model_copy(update={section: chosen})
        return cell


class Cell(CellFields):
    """One setting of everything: the question that `train` asks.

    `start` is the key, or its first digits, of the trial from whose weights it starts.
    """

    start: str | None


class Study(CellFields):
    """One arm in one cell, the rule that proposes its trials, and what confirms its winner.

    Which of `seeds` a trial has, the design says. `space` is what a search
    draws from, `axes` the values that a factorial design combines.
    `confirm_seeds` is empty where the design has no winner. `search` is its number, from 1,
    among the independent searches of its arm. `start` is the experiment from whose trials its own
    start, seed by seed; None where all weights are drawn.
    """

    experiment: str
    start: str | None
    search: Count
    design: Design
    space: dict[str, Dimension]
    axes: dict[str, Annotated[tuple[Scalar, ...], Field(min_length=1)]]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_unique)]
    confirm_seeds: Annotated[tuple[Seed, ...], AfterValidator(_unique)]

    @model_validator(mode="after")
    def _confirms_its_winner(self) -> Self:
        if self.design.has_winner and len(self.confirm_seeds) < 1:
            raise ValueError("confirm_seeds must hold at least 1 seed: a winner is confirmed")
        if self.design.searches and self.axes:
            raise ValueError("axes belong to a design that searches nothing, such as factorial")
        return self

    @model_validator(mode="after")
    def _has_what_it_chooses(self) -> Self:
        own = self.design.own
        if own is None:
            return self
        if own.beside not in self.axes.get(own.axis, ()):
            raise ValueError(f"design.own.beside must be a value of axes.{own.axis}")
        if own.choosing >= len(self.seeds):
            raise ValueError(
                f"seeds must be more than the {own.choosing} that choose, got {len(self.seeds)}"
            )
        return self

    @property
    def keeps_model(self) -> bool:
        """Whether the winner's model is kept: of several searches, the first one's."""
        return self.search == 1

    def combinations(self) -> list[dict[str, Scalar]]:
        """Return every combination of the axes' values by name, the last axis changing fastest."""
        rows = itertools.product(*self.axes.values())
        return [dict(zip(self.axes, row, strict=True)) for row in rows]

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The runs of a design that combines values, in order of their index."""
        return runs_asked(tuple(self.axes.items()), self.seeds, self.design.own)

    def known_to(self, index: int) -> int:
        """Return how many results, from the first, a proposal waits for and may know."""
        if self.design.own is not None:
            if self.asked[index].role != "own":
                return 0
            return sum(each.role == "choosing" for each in self.asked)
        return max(0, index - self.design.lag + 1)

    def seed_of(self, index: int) -> int:
        """Return the seed of a trial, the same in every arm.

        No index goes round a list of seeds: in a low-discrepancy sequence the index
        decides the place too, and seeds would stand for places.
        """
        if self.design.seeds == "every":
            return self.asked[index].seed
        return self.seeds[0] + (index if self.design.seeds == "own" else 0)

    @property
    def seeds_together(self) -> int:
        """How many seeds come together wherever trials are judged."""
        if self.design.own is not None:
            return len(self.seeds) - self.design.own.choosing
        return {"first": 1, "own": self.design.trials, "every": len(self.seeds)}[self.design.seeds]

    @property
    def cell_name(self) -> str:
        """What the arms of a comparison share: experiment/dataset/model/optimizer."""
        return f"{self.experiment}/{self.dataset}/{self.model_name}/{self.optimizer_name}"

    @property
    def name(self) -> str:
        """The study's place: its arm's, and the number of a search that is not the first."""
        return self.arm_name if self.search == 1 else f"{self.arm_name}/{self.search}"

    @property
    def arm_name(self) -> str:
        """What the searches of an arm share: experiment/dataset/model/optimizer/arm."""
        return f"{self.cell_name}/{self.arm}"


def starts_for(study: Study, studies: Iterable[Study]) -> list[Study]:
    """Return the studies from whose trials those of `study` may start, by experiment and model."""
    return [
        each
        for each in studies
        if each.experiment == study.start and each.model_name == study.model_name
    ]


class Analysis(Record):
    """How effects are judged and shown.

    `reference` is the plain arm that effects are measured against, `level` that
    of intervals that no claim's file says. `minimum` is how many clusters must come
    back for a claim to be judged, None what each claim's file says: a number marks
    the profile as a screening. Where errors differ by less than the factor
    `margin`, tuned arms and maps show no practical difference. A step's cost is
    measured for the arms of `cost_experiments`.
    """

    reference: str
    level: Annotated[float, Field(gt=0.5, lt=1)]
    minimum: Count | None
    margin: Annotated[float, Field(gt=1, lt=2)]
    cost_experiments: tuple[str, ...]


class Plan(Record):
    """A composed profile: everything later stages read, in one validated file.

    `claims` are plain data as `pipeline.claims.claim` reads them, by name,
    all of conf/claim, whether or not the profile runs their experiment;
    `claims_digest` is of them, fixed before the runs; by `studies_digest`, DVC sees
    whether there is something to train. `situations` are all of conf/situation, as
    `pipeline.claims.situation` reads them.
    """

    profile: str
    datasets: dict[str, Dataset]
    studies: dict[str, Study]
    studies_digest: str
    claims: dict[str, dict[str, Any]]
    claims_digest: str
    situations: dict[str, dict[str, Any]]
    analysis: Analysis

    def start_of(self, study: Study) -> Study | None:
        """Return the study from whose trials those of another one start; None where it has none.

        It is the only one of its experiment and model: compose sees to that.
        """
        if study.start is None:
            return None
        [found] = starts_for(study, self.studies.values())
        return found


class Limits(Record):
    """What a worker may spend on one trial; nothing means no limit."""

    wall_seconds: Annotated[float, Field(gt=0)] | None
    memory_bytes: Count | None


class Cluster(Record):
    """Who works: built as `pool(store, limits, **arguments)`. No part of any question."""

    pool: Component
    limits: Limits
