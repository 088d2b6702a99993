"""What a training step costs, and what training took: clock readings, which no answer holds.

A measurement runs the arms of a cell in turn, round after round, at one batch
size: whatever else the machine does meets the arms of a round alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.arguments import Count, Positive, Tally
from pipeline.content import Record, canonical_json

Seconds = Annotated[float, Field(ge=0)]


class ArmCost(Record):
    """One arm's readings: seconds of a training step, the mean of a round's `steps`, a round each.

    `wall_seconds` is the clock on the wall, `cpu_seconds` what the process spent on
    all its cores. `kernels` says which kernel normalized and which one updated the
    weights, as a result does.
    """

    steps: Count
    wall_seconds: Annotated[tuple[Positive, ...], Field(min_length=1)]
    cpu_seconds: tuple[Seconds, ...]
    kernels: dict[str, str]

    @model_validator(mode="after")
    def _has_two_readings_a_round(self) -> Self:
        if len(self.wall_seconds) != len(self.cpu_seconds):
            raise ValueError("a round has one reading of either clock")
        return self


class StepCost(Record):
    """A step's cost for the arms of one cell at one batch size, in rounds that they share.

    The engine's step on one thread, with the settings that a study has before
    anything is searched.
    """

    experiment: str
    dataset: str
    model: str
    optimizer: str
    batch_size: Count
    arms: Annotated[dict[str, ArmCost], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_interleaved(self) -> Self:
        if len({len(arm.wall_seconds) for arm in self.arms.values()}) > 1:
            raise ValueError("every round has every arm")
        return self

    @property
    def cell_name(self) -> str:
        """The cell, as `Study.cell_name` has it: experiment/dataset/model/optimizer."""
        return f"{self.experiment}/{self.dataset}/{self.model}/{self.optimizer}"

    @property
    def core_share(self) -> float:
        """Seconds of processor time per second: 1 on an idle core, less where others ran on it."""
        wall = math.fsum(each for arm in self.arms.values() for each in arm.wall_seconds)
        return math.fsum(each for arm in self.arms.values() for each in arm.cpu_seconds) / wall


class TrainingClock(Record):
    """When, how long and from which code a profile's trials were trained.

    `swept` and `confirmed` are the lines of the two sealed outputs, `trials` the
    different trials among them; the rest is about those, each counted once.
    `wall_seconds` adds up what each took, however many ran at a time, over the
    trials whose clock readings are known: all but `without_clock`. `uncommitted`
    were trained from a changed checkout; `started` and `ended` are ISO 8601 in UTC.
    """

    swept: Tally
    confirmed: Tally
    trials: Tally
    without_clock: Tally
    wall_seconds: Seconds
    commits: tuple[str, ...]
    uncommitted: Tally
    hosts: Tally
    started: str | None
    ended: str | None


class Costs(Record):
    """Everything about time that a report says: in order of cell and batch size."""

    costs: tuple[StepCost, ...]
    clock: TrainingClock

    def text(self) -> str:
        """Return the record as canonical JSON, one line."""
        return canonical_json(self.plain()) + "\n"


def cost_of(costs: Iterable[StepCost], cell_name: str, batch_size: int) -> StepCost | None:
    """Return what was measured in a cell at a batch size, or nothing."""
    for cost in costs:
        if (cost.cell_name, cost.batch_size) == (cell_name, batch_size):
            return cost
    return None
