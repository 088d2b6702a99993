"""Questions and answers: frozen, validated, identified by their content.

A `Trial` is one question: all that a worker must know, and all that decides the digits.
A `Result` is what came out, without clocks. None of them holds a default:
each value has its one home in conf/.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from pipeline.arguments import KNOWN, Argument, Count, Positive, Share, checked
from pipeline.content import Record, content_digest

Trainer = Literal["engine", "fit", "compiled", "dqn"]
Precision = Literal["float32", "bfloat16"]
# The builder that wraps a model of somebody's: `source` is a dotted path to code, as `target` is
WRAPPING, WRAPPED = "pipeline.models.variants.build", "source"

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
StepsPerEpoch = Count | tuple[Count, ...] | None


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
        cls, arguments: dict[str, Argument], info: ValidationInfo
    ) -> dict[str, Argument]:
        if not info.data.get("target", "").startswith(KNOWN):  # what means what is its author's
            return arguments
        return {name: checked(name, value) for name, value in arguments.items()}

    @property
    def wrapped(self) -> Component | None:
        """The function whose model the target wraps, if it wraps one: its code decides digits too.

        Raises:
            ValueError: It is said by no dotted path.
        """
        if self.target != WRAPPING or WRAPPED not in self.arguments:
            return None
        source = self.arguments[WRAPPED]
        if not isinstance(source, str):
            raise ValueError(f"{WRAPPED} must be a dotted path such as package.module.name")
        return Component(target=source, arguments={})

    def with_argument(self, name: str, value: Argument) -> Self:
        """Return a copy in which one argument has another value."""
        return self.model_copy(update={"arguments": {**self.arguments, name: value}})


class Arm(Record):
    """A way to normalize: the layer (none for the plain arm) and its place.

    It is a side of the activation, or inside a recurrence.
    """

    layer: Component | None
    placement: Literal["before", "after", "inside"]

    def with_argument(self, name: str, value: Argument) -> Self:
        """Return a copy whose layer has another value for one argument.

        Raises:
            ValueError: The arm has no layer.
        """
        if self.layer is None:
            raise ValueError(f"the plain arm has no layer to give {name} to")
        return self.model_copy(update={"layer": self.layer.with_argument(name, value)})


class Probes(Record):
    """What is measured besides score, error and loss.

    Batch-norm statistics are recalibrated over `recalibration_examples`
    training examples, in batches of `recalibration_batch_size`, once training is
    over. After each epoch, the score under each of `statistics_curves` is measured, too. For each
    of `shadow_momenta`, moving averages of that momentum are carried along, and a curve says the
    validation score they would have given. `independence_examples` is how many validation examples
    are given other batch-mates, to see how far their outputs move, and
    `single_examples` how many are given one by one in training mode (and all of them
    in order of their targets, and what that evaluation leaves behind); 0 leaves
    either out.
    """

    recalibration_examples: Count
    recalibration_batch_size: Annotated[int, Field(ge=2)]
    shadow_momenta: tuple[Share, ...]
    statistics_curves: tuple[Literal["batch", "recalibrated"], ...]
    independence_examples: Annotated[int, Field(ge=0)]
    single_examples: Annotated[int, Field(ge=0)]


class ErrorWords(Record):
    """What a task's error is called, and how it is said that there is less or more of it."""

    noun: str
    less: str
    more: str


class Task(Record):
    """What is scored, as `pipeline.tasks.scoring` has it, and the words a reader sees.

    `trainers` are those that can train it, the first one unless a cell says another.
    """

    scoring: Component
    trainers: Annotated[tuple[Trainer, ...], Field(min_length=1)]
    score: str
    error: ErrorWords


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

    `examples` is how many of the training split are used, from its start. An epoch
    ends, and is evaluated, after every whole batch of them, or after
    `steps_per_epoch` steps: one number for all epochs, or one for each. The
    order of examples goes on where the epoch before left it.
    `precision` is what products and convolutions are computed in; weights, norms and the loss are
    in float32.
    `start` is the key of the trial whose final weights this one starts from, None where all are
    drawn. `split` is what is evaluated at the end besides the validation split:
    `test` only when a winner is confirmed. After an epoch whose validation
    score is below its entry in `thresholds`, training ends; without
    entries, it runs through.
    """

    dataset: str
    data_digest: str
    task: Component
    model: Component
    norm: Arm
    optimizer: Component
    batch_size: Count
    epochs: Count
    steps_per_epoch: StepsPerEpoch
    examples: Count
    start: Key | None
    seed: Annotated[int, Field(ge=0)]
    device: str
    trainer: Trainer
    precision: Precision
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
    are scored: a diverged run scores what a model scores that knows nothing, so that
    nothing downstream has to drop it. `outcomes` says what came out example by example
    under moving statistics, as the trial's task packs it, for the split that a winner
    is confirmed on. `kernels` says which kernel normalized,
    which one updated the weights, and how a recurrence ran.
    """

    steps: Annotated[int, Field(ge=0)]
    epochs_asked: Count
    metrics: dict[str, float]
    curves: dict[str, tuple[float | None, ...]]
    outcomes: dict[str, str]
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


class Column(Record):
    """What a table's column becomes, as learned from the training rows.

    `fill` is what a missing value becomes; none where it is refused. Numbers are taken less `mean`
    and over `deviation` (they are 0 where that is 0). A column of text has `levels` instead: one
    number for each, 1 where the row holds it.
    """

    name: str
    fill: float | str | None
    mean: float
    deviation: float
    levels: tuple[str, ...] | None


class Inputs(Record):
    """What becomes of a file before a model takes it, and of the numbers that the model gives.

    `ground` is what shows through where a picture is transparent, `columns` are a table's. Targets
    that are numbers were taken less the first number of `unit` and over the second.
    """

    dtype: Literal["uint8", "float32"]
    ground: str | None
    columns: tuple[Column, ...]
    unit: tuple[float, float] | None


class Manifest(Record):
    """What `prepare` wrote for one dataset: shapes, counts, digests, origin.

    `labels` are the names of what is told apart, and `label_counts` how many examples of each
    there are in each split; both are empty where numbers are predicted. Then
    `spread` is the variance of each split's targets. `outputs` is how many numbers
    a network gives for an example of `shape`: one for each label, or each target. A copy lies
    beside each saved model, for those who use it elsewhere.
    """

    name: str
    source: str
    license: str
    scale: Positive
    labels: tuple[str, ...]
    outputs: Count
    shape: tuple[int, ...]
    inputs: Inputs
    examples: dict[str, int]
    label_counts: dict[str, tuple[int, ...]]
    spread: dict[str, Positive]
    digests: dict[str, str]
    digest: str


def targets_within(plain: object) -> Iterator[str]:
    """Yield the dotted paths of all components within plain data."""
    if isinstance(plain, dict):
        if plain.keys() == {"target", "arguments"}:
            component = Component.model_construct(**plain)
            yield component.target
            if component.wrapped is not None:
                yield component.wrapped.target
        plain = list(plain.values())
    if isinstance(plain, list):
        for each in plain:
            yield from targets_within(each)
