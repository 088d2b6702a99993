"""From a trained model to a result: scored metrics, curves, and what came out for each example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.records import Result, Trial
from pipeline.tasks.scoring import scoring_of
from pipeline.training.checkpoint import Weights
from pipeline.training.outputs import Outputs
from pipeline.training.probes import (
    inert_marks,
    marks_of,
    output_changes,
    statistics_marks,
)
from pipeline.training.setting import arrays, output_count, spread_of, steps_of
from pipeline.training.weights import weights_digest, weights_of


@dataclass(frozen=True)
class Trained:
    """What a trainer hands back, before it trains again.

    Attributes:
        trained: The model whose weights the result's digest is of.
        model: Makes the plain Keras model with these weights.
    """

    result: Result
    trained: keras.Model
    model: Callable[[], keras.Model]

    def weights(self) -> Weights:
        """Return these weights."""
        return weights_of(self.trained)


def trained_on(trial: Trial, folder: Path, loss: float, tally: float) -> dict[str, float]:
    """Return the training values of a curve's point, of an epoch's mean loss and mean tally."""
    spread = spread_of(folder, trial.data_digest, "train")
    score = scoring_of(trial.task).training_score(tally, spread)
    return {"training_loss": loss, "training_score": score}


def validated(trial: Trial, folder: Path, outputs: NDArray[np.float32]) -> dict[str, float]:
    """Return the validation values of a curve's point, of the outputs for that split."""
    scoring = scoring_of(trial.task)
    _, targets = arrays(folder, trial.data_digest, "validation")
    spread = spread_of(folder, trial.data_digest, "validation")
    return {
        "validation_loss": scoring.loss_of(outputs, targets),
        "validation_score": scoring.score(outputs, targets, spread),
    }


def result_of(said: Outputs, curves: Sequence[dict[str, float]]) -> Result:
    """Return the result of a training that is over; the model stays as it is.

    Args:
        said: What the trained model says; what its last epoch's values took is not computed again.
        curves: The values of each epoch.
    """
    diverged = not math.isfinite(curves[-1]["training_loss"])
    metrics, outcomes = _measured(said, diverged=diverged)
    return Result(
        steps=sum(steps_of(said.trial, epoch) for epoch in range(len(curves))),
        epochs_asked=said.trial.epochs,
        metrics={name: value for name, value in metrics.items() if math.isfinite(value)},
        curves={name: tuple(_finite(values[name]) for values in curves) for name in curves[0]},
        outcomes=outcomes,
        weights_digest=weights_digest(said.subject.model),
        kernels=said.subject.kernels,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _measured(said: Outputs, *, diverged: bool) -> tuple[dict[str, float], dict[str, str]]:
    """Return the scored metrics, and the packed outcomes of the test split where it is asked for.

    Of a diverged model, scores and errors are those of a model that knows nothing, and all else
    is left out, save the number of weights.
    """
    trial, folder, subject = said.trial, said.folder, said.subject
    scoring = scoring_of(trial.task)
    splits = ["validation"] + ["test"] * (trial.split == "test")
    marks: dict[str, float] = {}
    losses: dict[str, float] = {}
    outcomes: dict[str, str] = {}
    for split in splits:
        _, targets = arrays(folder, trial.data_digest, split)
        outputs = said.moving(split)
        marks |= marks_of(trial, folder, split, outputs)
        losses[f"{split}_loss"] = scoring.loss_of(outputs, targets)
        if split == "test":
            spread = spread_of(folder, trial.data_digest, split)
            outcomes[split] = scoring.packed(outputs, targets, spread)
    marks |= statistics_marks(said, splits)
    weights = subject.model.trainable_variables
    metrics = {"parameters": float(sum(math.prod(weight.shape) for weight in weights))}
    # a model that learned well may still give no number for some example: then it knows nothing
    known = {name for name, value in marks.items() if math.isfinite(value) and not diverged}
    metrics |= {
        name: value if name in known else _uninformed(trial, folder, name)
        for name, value in marks.items()
    }
    if diverged:
        return metrics, {}
    further = output_changes(said) | inert_marks(subject.layers)
    return metrics | losses | further, outcomes


def _uninformed(trial: Trial, folder: Path, name: str) -> float:
    """Return what a model that knows nothing has for a score or an error of some split."""
    split = "test" if name.startswith("test_") else "validation"
    score, error = scoring_of(trial.task).uninformed(
        output_count(folder, trial.data_digest), spread_of(folder, trial.data_digest, split)
    )
    return error if "_error" in name else score
