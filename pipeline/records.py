"""Questions and answers: frozen, validated, identified by their content.

A `Study` is an arm in a cell and the rule that proposes its trials. A `Trial`
is one question: all that a worker must know, and all that decides the digits.
A `Result` is what came out, without clocks. None of them holds a default:
each value has its one home in conf/.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.arguments import Argument, Count, Positive, Share, checked
from pipeline.content import Record, content_digest

Trainer = Literal["engine", "fit"]


class Component(Record):
    """A class or function by its dotted path, and the flat arguments it is built with."""

    target: str
    arguments: dict[str, Argument]

    @field_validator("target")
    @classmethod
    def _is_a_dotted_path(cls, path: str) -> str:
        if "." not in path or not all(part.isidentifier() for part in path.split(".")):
            raise ValueError("must be a dotted path such as package.module.name")
        return path

    @field_validator("arguments")
    @classmethod
    def _well_known_arguments_are_in_range(
        cls, arguments: dict[str, Argument]
    ) -> dict[str, Argument]:
        return {name: checked(name, value) for name, value in arguments.items()}

    def with_argument(self, name: str, value: Argument) -> Self:
        """Return a copy in which one argument has another value."""
        return self.model_copy(update={"arguments": {**self.arguments, name: value}})


class Arm(Record):
    """A way to normalize: the layer (none for the plain arm) and its side of the activation."""

    layer: Component | None
    placement: Literal["before", "after"]

    def with_argument(self, name: str, value: Argument) -> Self:
        """Return a copy whose layer has another value for one argument.

        Raises:
            ValueError: The arm has no layer.
        """
        if self.layer is None:
            raise ValueError(f"the plain arm has no layer to give {name} to")
        return self.model_copy(update={"layer": self.layer.with_argument(name, value)})


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
        if self.scale == "powers_of_two" and not (_is_power(self.low) and _is_power(self.high)):
            raise ValueError(f"low and high must be powers of two, got {self.low:g}, {self.high:g}")
        return self


def _is_power(value: float) -> bool:
    return value >= 1 and value == int(value) and int(value).bit_count() == 1


class Design(Record):
    """Which trials a study asks for, by a proposer built as `proposer(study, **arguments)`.

    At most `lag` trials are in flight: proposal n sees the results 0 .. n - lag.
    """

    proposer: Component
    trials: Count
    lag: Count
    seed: Annotated[int, Field(ge=0)]


class Probes(Record):
    """What is measured once the training is over.

    Batch-norm statistics are recalibrated over `recalibration_examples`
    training examples, in batches of `recalibration_batch_size`. For each of
    `shadow_momenta`, moving averages of that momentum are carried along, and a
    curve says the validation accuracy they would have given.
    """

    recalibration_examples: Count
    recalibration_batch_size: Annotated[int, Field(ge=2)]
    shadow_momenta: tuple[Share, ...]


class Environment(Record):
    """What decides the digits besides the question itself."""

    tensorflow: str
    keras: str
    numpy: str
    processor: str
    threads: Count
    code: str


class Trial(Record):
    """One question: train this model with this arm on these data, and say what came out.

    `examples` is how many of the training split are used, from its start.
    `split` is what is evaluated at the end besides the validation split:
    `test` only when a winner is confirmed. After an epoch whose validation
    accuracy is below its entry in `thresholds`, training ends; without
    entries, it runs through.
    """

    dataset: str
    data_digest: str
    model: Component
    norm: Arm
    optimizer: Component
    batch_size: Count
    epochs: Count
    examples: Count
    seed: Annotated[int, Field(ge=0)]
    device: str
    trainer: Trainer
    decay_norm_weights: bool
    split: Literal["validation", "test"]
    thresholds: tuple[float | None, ...]
    probes: Probes
    environment: Environment

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical question: the trial's identity."""
        return content_digest(self.plain())

    def __hash__(self) -> int:
        return hash(self.key)


class Result(Record):
    """One answer. Curves hold a value per epoch, `None` where it was not finite.

    They are shorter than `epochs_asked` where training ended early. `metrics`
    are scored: a diverged run has chance accuracy, so that nothing downstream
    has to drop it. `kernels` says which kernel normalized and which one updated
    the weights.
    """

    steps: Annotated[int, Field(ge=0)]
    epochs_asked: Count
    metrics: dict[str, float]
    curves: dict[str, tuple[float | None, ...]]
    weights_digest: str
    kernels: dict[str, str]

    @property
    def status(self) -> Literal["ok", "diverged", "pruned"]:
        """`diverged` when a training loss was not finite, `pruned` when a threshold ended it."""
        losses = self.curves["training_loss"]
        if None in losses:
            return "diverged"
        return "ok" if len(losses) == self.epochs_asked else "pruned"


class Answer(Record):
    """A trial, its place in its study, and its result: one line of a sealed output."""

    study: str
    index: Annotated[int, Field(ge=0)]
    key: str
    trial: Trial
    result: Result


class Dataset(Record):
    """Where images and labels come from, and how they are split.

    `test` is `publisher` where the source brings a test split of its own.
    """

    source: Component
    train: Count
    validation: Count
    test: Count | Literal["publisher"]
    seed: Annotated[int, Field(ge=0)]


def _unique(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds must differ from one another")
    return seeds


class CellFields(Record):
    """What a cell says; abstract, shared by `Cell` and `Study`.

    `examples` is how many of the training split are used, from its start;
    `device` is `cpu` or `gpu:N`; `trainer` is the module of `pipeline.training`
    that trains; weight decay spares gamma and beta unless `decay_norm_weights`.
    """

    dataset: str
    model_name: str
    model: Component
    arm: str
    norm: Arm
    optimizer: Component
    batch_size: Count
    epochs: Count
    examples: Count
    seed: Annotated[int, Field(ge=0)]
    device: Annotated[str, Field(pattern=r"^(cpu|gpu:\d+)$")]
    trainer: Trainer
    decay_norm_weights: bool
    probes: Probes


class Cell(CellFields):
    """One setting of everything: the question that `train` asks."""


class Study(CellFields):
    """One arm in one cell, the space its design searches, and the seeds that confirm its winner."""

    experiment: str
    design: Design
    space: dict[str, Dimension]
    confirm_seeds: Annotated[tuple[int, ...], Field(min_length=2), AfterValidator(_unique)]

    @property
    def name(self) -> str:
        """The study's place: experiment/dataset/model/arm."""
        return f"{self.experiment}/{self.dataset}/{self.model_name}/{self.arm}"


class Analysis(Record):
    """How effects are judged: the plain arm they are measured against, and the interval's level."""

    reference: str
    level: Annotated[float, Field(gt=0.5, lt=1)]


class Plan(Record):
    """A composed profile: everything later stages read, in one validated file."""

    profile: str
    datasets: dict[str, Dataset]
    studies: dict[str, Study]
    analysis: Analysis


class Limits(Record):
    """What a worker may spend on one trial; nothing means no limit."""

    wall_seconds: Annotated[float, Field(gt=0)] | None
    memory_bytes: Count | None


class Cluster(Record):
    """Who works: built as `pool(store, limits, **arguments)`. No part of any question."""

    pool: Component
    limits: Limits


class Manifest(Record):
    """What `prepare` wrote for one dataset: shapes, counts, digests, origin."""

    name: str
    source: str
    license: str
    scale: Positive
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    examples: dict[str, int]
    class_counts: dict[str, tuple[int, ...]]
    digests: dict[str, str]
    digest: str
