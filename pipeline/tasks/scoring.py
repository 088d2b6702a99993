"""What a task says: how outputs are scored, and what a failed run scores.

A task is a class, named by its dotted path in conf/task/NAME.yaml. It knows
NumPy alone: pieces of Keras are named, and built where a trial is trained.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.components import build
from pipeline.content import canonical_json
from pipeline.errors import Refusal
from pipeline.records import Component, Manifest

Floats = NDArray[np.float64]
Outputs = NDArray[np.float32]
Targets = NDArray[Any]
Outcome = float | str


@runtime_checkable
class Scoring(Protocol):
    """How a network's outputs, shape (n, outputs), are held against n targets.

    A score is at most 1, higher is better, and its differences are told in hundredths. An error
    is on a ratio scale, lower is better, and effects are differences of its logs. `spread` is the
    variance of the targets of the split that is scored; 1 where targets are classes.

    Attributes:
        loss: Keras's loss class and its arguments.
        tally: Dotted path of a Keras function `(targets, outputs) -> a value per example`, whose
            mean over an epoch's training is what its score is made of.
    """

    loss: Component
    tally: str

    def check(self, manifest: Manifest, /) -> None:
        """Refuse a dataset whose targets are none of this task's.

        Raises:
            Refusal: They are not.
        """
        ...

    def training_score(self, tally: float, spread: float, /) -> float:
        """Return the score of an epoch's training, of the mean of its tally."""
        ...

    def loss_of(self, outputs: Outputs, targets: Targets, /) -> float:
        """Return the mean loss, in double precision; not finite where an output is not."""
        ...

    def score(self, outputs: Outputs, targets: Targets, spread: float, /) -> float:
        """Return what a reader sees."""
        ...

    def error(self, outputs: Outputs, targets: Targets, /) -> float:
        """Return the error; it may not be finite where an output is not."""
        ...

    def uninformed(self, outputs: int, spread: float, /) -> tuple[float, float]:
        """Return score and error of a model that has seen no example: a diverged run's.

        Args:
            outputs: How many numbers the network gives.
            spread: Of the split that is scored.
        """
        ...

    def packed(self, outputs: Outputs, targets: Targets, spread: float, /) -> str:
        """Return each example's part in the score, as hexadecimal digits."""
        ...

    def unpacked(self, text: str, examples: int, /) -> Floats:
        """Return each example's part in the score, shape (examples,): its mean is the score.

        Raises:
            ValueError: The text does not hold as many.
        """
        ...

    def outcomes(self, text: str, /) -> list[Outcome]:
        """Return what came out for each example, as a reader compares it; damage is told."""
        ...

    def total(self, text: str, /) -> tuple[str, Outcome]:
        """Return all outcomes as one figure, and its name."""
        ...

    def log_error(self, errors: ArrayLike, examples: ArrayLike, /) -> Floats:
        """Return the logs of errors, each measured on so many examples.

        Raises:
            ValueError: An error cannot be one.
        """
        ...

    def fails_below(self, best_score: float, /) -> float:
        """Return the score under which a run has failed, where its arm's best is typically this."""
        ...


def scoring_of(task: Component) -> Scoring:
    """Return a task by its component.

    Raises:
        Refusal: The path leads nowhere, or to something that is no task.
    """
    return _made(task.target, canonical_json(task.arguments))


@lru_cache(maxsize=64)
def _made(target: str, arguments: str) -> Scoring:
    """Make a task of its arguments' JSON, once: it is asked for at each evaluation."""
    made = build(Component(target=target, arguments=json.loads(arguments)))
    if not isinstance(made, Scoring):
        raise Refusal(f"{target}: is no task; pipeline/tasks/scoring.py says what one has")
    return made
