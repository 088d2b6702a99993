"""What a dataset's module hands over: checked examples and targets, not yet split.

A source is a function `load(**arguments) -> Source`, named by its dotted path
in conf/dataset/NAME.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal, nearest
from pipeline.records import Column

TASKS = ("classification", "regression")

Integers = NDArray[np.int64]
Targets = NDArray[np.int64] | NDArray[np.float32]


class Examples(Protocol):
    """Examples, shape (n, ...): an array, or what reads them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole: pictures (n, h, w, c), sequences (n, t, d) or rows (n, d)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8 or float32."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: Integers, /) -> NDArray[Any]:
        """Return the examples with these indices, in memory."""
        ...


@dataclass(frozen=True, eq=False)
class Source:
    """Examples, targets and origin, as published.

    Attributes:
        examples: uint8 or float32, shape (n, h, w, c), (n, t, d) or (n, d); more than memory
            holds may stay on disk.
        targets: int64, shape (n,), 0 .. number of labels - 1; or, where numbers are to be
            predicted, float32 of shape (n,) or (n, k).
        labels: What the classes are called, in the order of the targets; empty for numbers.
        test_examples: The publisher's test examples, like `examples`; or None.
        test_targets: Their targets; or None.
        validation_examples: The publisher's validation examples; or None.
        validation_targets: Their targets; or None.
        ground: What shows through where a picture is transparent; None where nobody said.
        columns: What a row is made of, as learned from a table's training rows.
        unit: Mean and deviation that targets were taken less and over; None where as they are.
        scale: What a value is multiplied by when it is used: 1 / 255 for bytes.
        source: Who published the examples, and where.
        license: The terms they were published under.
        fitted: Takes the indices of the training examples, and returns the source that is
            written: all that is learned from examples (means, scales, what is imputed) learned
            from those alone. None where nothing is.

    Raises:
        Refusal: The arrays don't fit that description.
    """

    examples: Examples
    targets: Targets
    labels: tuple[str, ...]
    test_examples: Examples | None
    test_targets: Targets | None
    scale: float
    source: str
    license: str
    fitted: Callable[[Integers], Source] | None = None
    validation_examples: Examples | None = None
    validation_targets: Targets | None = None
    ground: str | None = None
    columns: tuple[Column, ...] = ()
    unit: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit together."""
        _check(self.examples, self.targets, self.labels, self.source)
        for split in ("validation", "test"):
            self._check_published(split)

    def published(self, split: str) -> tuple[Examples, Targets] | None:
        """Return the publisher's examples and targets of "validation" or "test", if any."""
        examples, targets = (
            (self.test_examples, self.test_targets)
            if split == "test"
            else (self.validation_examples, self.validation_targets)
        )
        if examples is None and targets is None:
            return None
        if examples is None or targets is None:
            raise Refusal(f"{self.source}: {split} examples and {split} targets must come together")
        return examples, targets

    def _check_published(self, split: str) -> None:
        found = self.published(split)
        if found is None:
            return
        _check(*found, self.labels, f"{self.source} ({split})")
        described = [(each.dtype, each.shape[1:]) for each in (self.examples, found[0])]
        if described[0] != described[1]:
            raise Refusal(
                f"{self.source}: {split} examples are {described[1][0]} {described[1][1]}, "
                f"the others are {described[0][0]} {described[0][1]}; convert one of them"
            )


def predicts_numbers(task: object) -> bool:
    """Tell from a dataset's task whether targets are taken as numbers, or else as classes.

    Raises:
        Refusal: It is a task of which only its own source can tell.
    """
    if task not in TASKS:
        raise Refusal(f"dataset.source.task: is {task!r}{nearest(str(task), TASKS)}")
    return task == "regression"


def check_lengths(examples: Examples, targets: NDArray[Any], place: object) -> None:
    """Refuse examples and targets that don't pair up.

    Raises:
        Refusal: There are more of one than of the other.
    """
    if len(examples) != len(targets):
        raise Refusal(
            f"{place}: {len(examples)} examples but {len(targets)} targets; "
            "take both from the same publication"
        )


def check_finite(examples: NDArray[Any], place: object) -> None:
    """Refuse examples with a NaN or an infinity.

    Raises:
        Refusal: There is one.
    """
    if examples.dtype == np.float32 and not np.isfinite(examples).all():
        raise Refusal(f"{place}: an example holds a value that is not finite; repair or remove it")


def _check(examples: Examples, targets: Targets, labels: tuple[str, ...], place: str) -> None:
    if examples.dtype not in (np.uint8, np.float32) or len(examples.shape) not in (2, 3, 4):
        raise Refusal(
            f"{place}: examples are {examples.dtype} {examples.shape}; "
            "load must return uint8 or float32 of shape (n, h, w, c), (n, t, d) or (n, d)"
        )
    form = (
        (np.int64, (1,), "int64 (n,)") if labels else (np.float32, (1, 2), "float32 (n,), (n, k)")
    )
    if targets.dtype != form[0] or targets.ndim not in form[1]:
        raise Refusal(
            f"{place}: targets are {targets.dtype} {targets.shape}; load must return {form[2]} "
            f"{'with' if labels else 'without'} labels"
        )
    if len(labels) == 1:
        raise Refusal(f"{place}: a classifier needs at least two classes, found {labels[0]!r}")
    if not all((*examples.shape, *targets.shape)):
        raise Refusal(f"{place}: examples are {examples.dtype} {examples.shape}: there are none")
    check_lengths(examples, targets, place)
    if labels and not (targets.min() >= 0 and targets.max() < len(labels)):
        raise Refusal(
            f"{place}: targets run from {targets.min()} to {targets.max()}, but {len(labels)} "
            f"classes are named; targets must be 0 .. {len(labels) - 1}"
        )
    if not np.isfinite(targets).all():
        raise Refusal(f"{place}: a target is not finite; repair or remove it")
    if isinstance(examples, np.ndarray):
        check_finite(examples, place)
