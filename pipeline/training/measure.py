"""From a trained model to a result: scored metrics under three kinds of statistics, and curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.records import Result, Trial
from pipeline.training.evaluation import (
    CHUNK,
    Forward,
    accuracy,
    cross_entropy,
    kept_statistics,
    logits_of,
    recalibrate,
)
from pipeline.training.setting import Labels, arrays, permutation
from pipeline.training.weights import weights_digest

PROBE, RECALIBRATION = -1, -2  # stand where an epoch's number would in a permutation's seed


@dataclass(frozen=True)
class Subject:
    """A model under measurement.

    Attributes:
        infer: Its forward pass as a user runs it.
        by_batch: Its forward pass normalized by the images themselves, which leaves their
            statistics in the layers' moving averages.
        layers: Its layers with moving statistics.
        kernels: Which kernel normalizes and which one updates.
    """

    model: keras.Model
    infer: Forward
    by_batch: Callable[[], Forward]
    layers: Sequence[keras.Layer]
    kernels: dict[str, str]


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
        "validation_accuracy": accuracy(logits, labels),
    }


def result_of(
    trial: Trial, folder: Path, subject: Subject, curves: Sequence[dict[str, float]]
) -> Result:
    """Return the result of a training that is over; the model keeps its moving statistics.

    Args:
        trial: The question.
        folder: The dataset's arrays.
        subject: The trained model.
        curves: The values of each epoch.
    """
    digest = weights_digest(subject.model)
    diverged = not math.isfinite(curves[-1]["training_loss"])
    measured = _measured(trial, folder, subject, chance=diverged)
    return Result(
        steps=trial.examples // trial.batch_size * len(curves),
        epochs_asked=trial.epochs,
        metrics={name: value for name, value in measured.items() if math.isfinite(value)},
        curves={name: tuple(_finite(values[name]) for values in curves) for name in curves[0]},
        weights_digest=digest,
        kernels=subject.kernels,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _measured(trial: Trial, folder: Path, subject: Subject, *, chance: bool) -> dict[str, float]:
    """Return the scored metrics; with `chance`, accuracies are 1 / classes and losses left out."""
    splits = ["validation"] + ["test"] * (trial.split == "test")
    evaluated = {split: arrays(folder, trial.data_digest, split) for split in splits}
    measured: dict[str, float] = {}

    def score(name: str, logits: NDArray[np.float32], labels: Labels) -> None:
        measured[name] = 1 / logits.shape[1] if chance else accuracy(logits, labels)

    def score_all(ending: str) -> None:
        for split, (images, labels) in evaluated.items():
            logits = logits_of(subject.infer, images, CHUNK)
            score(f"{split}_accuracy{ending}", logits, labels)
            if not chance and not ending:
                measured[f"{split}_loss"] = cross_entropy(logits, labels)

    score_all("")
    if not subject.layers:
        return measured

    images, labels = evaluated["validation"]
    size = min(trial.batch_size, len(images))
    order = permutation(trial.seed, PROBE, len(images))[: len(images) // size * size]
    shuffled, shuffled_labels = images[order], labels[order]
    score("gap_moving", logits_of(subject.infer, shuffled, size), shuffled_labels)
    with kept_statistics(subject.layers):
        by_batch = subject.by_batch()
        score("gap_batch", logits_of(by_batch, shuffled, size), shuffled_labels)
        training, _ = arrays(folder, trial.data_digest, "train")
        count = min(trial.probes.recalibration_examples, trial.examples)
        chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:count]
        batch = min(trial.probes.recalibration_batch_size, count)
        recalibrate(by_batch, subject.layers, training[chosen], batch)
        score("gap_recalibrated", logits_of(subject.infer, shuffled, size), shuffled_labels)
        score_all("_recalibrated")
    return measured
