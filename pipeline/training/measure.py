"""From a trained model to a result: scored metrics, curves, and who was classified correctly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from pipeline.records import Result, Trial
from pipeline.training.evaluation import CHUNK, Forward, accuracy, cross_entropy, logits_of
from pipeline.training.probes import Subject, accuracies, output_changes
from pipeline.training.setting import arrays, steps_of
from pipeline.training.weights import weights_digest


@dataclass(frozen=True)
class Trained:
    """What a trainer hands back; `model` makes the plain Keras model with the trained weights."""

    result: Result
    model: Callable[[], keras.Model]


def validated(trial: Trial, folder: Path, infer: Forward) -> dict[str, float]:
    """Return the validation values of a curve's point."""
    images, labels = arrays(folder, trial.data_digest, "validation")
    logits = logits_of(infer, images, CHUNK)
    return {
        "validation_loss": cross_entropy(logits, labels),
        "validation_score": accuracy(logits, labels),
    }


def result_of(
    trial: Trial, folder: Path, subject: Subject, curves: Sequence[dict[str, float]]
) -> Result:
    """Return the result of a training that is over; the model stays as it is.

    Args:
        trial: The question.
        folder: The dataset's arrays.
        subject: The trained model.
        curves: The values of each epoch.
    """
    diverged = not math.isfinite(curves[-1]["training_loss"])
    metrics, correct = _measured(trial, folder, subject, chance=diverged)
    return Result(
        steps=sum(steps_of(trial, epoch) for epoch in range(len(curves))),
        epochs_asked=trial.epochs,
        metrics={name: value for name, value in metrics.items() if math.isfinite(value)},
        curves={name: tuple(_finite(values[name]) for values in curves) for name in curves[0]},
        correct=correct,
        weights_digest=weights_digest(subject.model),
        kernels=subject.kernels,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _measured(
    trial: Trial, folder: Path, subject: Subject, *, chance: bool
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the scored metrics, and the packed bits of who was classified correctly.

    With `chance`, accuracies are 1 / classes, and all that is not an accuracy is left out,
    save the number of weights.
    """
    splits = ["validation"] + ["test"] * (trial.split == "test")
    scores: dict[str, float] = {}
    others: dict[str, float] = {}
    correct: dict[str, str] = {}
    for split in splits:
        images, labels = arrays(folder, trial.data_digest, split)
        logits = logits_of(subject.infer, images, CHUNK)
        scores[f"{split}_score"] = accuracy(logits, labels)
        others[f"{split}_loss"] = cross_entropy(logits, labels)
        if split == "test":
            correct[split] = np.packbits(logits.argmax(axis=1) == labels).tobytes().hex()
    scores |= accuracies(trial, folder, subject, splits)
    weights = subject.model.trainable_variables
    metrics = {"parameters": float(sum(math.prod(weight.shape) for weight in weights))}
    if chance:
        return metrics | dict.fromkeys(scores, 1 / subject.model.output_shape[-1]), {}
    return metrics | scores | others | output_changes(trial, folder, subject), correct
