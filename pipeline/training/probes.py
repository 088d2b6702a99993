"""What is measured of a model besides accuracy and loss, with its weights as they are.

Every probe leaves the model as it found it, to the bit: weights, moving
statistics, and the seeds that dropout draws from. Validation examples come in an
order drawn from the trial's seed, training examples in another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.records import Trial
from pipeline.training.evaluation import CHUNK, Forward, accuracy, logits_of, recalibrate
from pipeline.training.setting import Images, Labels, arrays, permutation, rows

PROBE, RECALIBRATION = -1, -2  # stand where a pass's number would in a permutation's seed


@dataclass(frozen=True)
class Subject:
    """A model under measurement.

    Attributes:
        infer: Its forward pass as a user runs it.
        by_batch: Lends its forward pass in training mode, which normalizes by the images
            themselves and leaves their statistics in the layers' moving averages. On leaving,
            everything is put back.
        layers: Its layers with moving statistics.
        kernels: Which kernel normalizes and which one updates.
    """

    model: keras.Model
    infer: Forward
    by_batch: Callable[[], AbstractContextManager[Forward]]
    layers: Sequence[keras.Layer]
    kernels: dict[str, str]


def statistics_curves(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    """Return the validation accuracy under batch and under recalibrated statistics.

    Nothing where the trial does not ask for it, or no layer has moving statistics.
    """
    if not trial.probes.statistics_curves or not subject.layers:
        return {}
    images, labels, size = _shuffled(trial, folder)
    with subject.by_batch() as run:
        found = {"validation_score_batch": accuracy(logits_of(run, images, size), labels)}
        _recalibrate(trial, folder, subject, run)
        return found | _recalibrated(trial, folder, subject, ["validation"])


def accuracies(
    trial: Trial, folder: Path, subject: Subject, splits: Sequence[str]
) -> dict[str, float]:
    """Return the accuracies that depend on which statistics normalize.

    `gap_moving`, `gap_batch` and `gap_recalibrated` are of the same validation images, for the
    batch's own statistics in batches of the trial's size; `SPLIT_score_recalibrated` is of
    each whole split; `validation_score_single` is of single images in training mode. Nothing
    where no layer has moving statistics.
    """
    if not subject.layers:
        return {}
    images, labels, size = _shuffled(trial, folder)

    def scored(run: Forward, batch_size: int) -> float:
        return accuracy(logits_of(run, images, batch_size), labels)

    found = {"gap_moving": scored(subject.infer, CHUNK)}
    with subject.by_batch() as run:
        found["gap_batch"] = scored(run, size)
        _recalibrate(trial, folder, subject, run)
        found["gap_recalibrated"] = scored(subject.infer, CHUNK)
        found |= _recalibrated(trial, folder, subject, splits)
    return found | _single(trial, folder, subject)


def output_changes(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    """Return how far outputs move when the other images of the batch are exchanged.

    k validation images go through the model with k others, and again with k others still;
    k is `probes.independence_examples`, or a third of the split where that is less. An image's
    change is the largest difference of a logit over its largest logit, both by magnitude;
    `output_change_training` and `output_change_inference` are the largest over the k images.
    What dropout draws depends on the place in the batch alone, so it is the same both times.
    Nothing where k is 0.
    """
    images, _ = arrays(folder, trial.data_digest, "validation")
    count = min(trial.probes.independence_examples, len(images) // 3)
    if not count:
        return {}
    order = permutation(trial.seed, PROBE, len(images))
    tested, *others = (images[order[i * count : (i + 1) * count]] for i in range(3))
    batches = [np.concatenate([tested, mates]) for mates in others]

    def training(batch: Images) -> NDArray[np.float32]:
        with subject.by_batch() as run:
            return run(batch)

    return {
        f"output_change_{mode}": _largest_change(*(run(batch)[:count] for batch in batches))
        for mode, run in (("training", training), ("inference", subject.infer))
    }


def _largest_change(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest change of a row relative to `first`, shape (k, classes)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.abs(first.astype(np.float64) - second).max(axis=1)
        relative = change / np.abs(first).max(axis=1)
    return float(np.where(change == 0, 0.0, relative).max())


def _single(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    count = trial.probes.single_examples
    if not count:
        return {}
    images, labels = arrays(folder, trial.data_digest, "validation")
    chosen = permutation(trial.seed, PROBE, len(images))[:count]
    with subject.by_batch() as run:
        logits = logits_of(run, images[chosen], 1)
    return {"validation_score_single": accuracy(logits, labels[chosen])}


def _shuffled(trial: Trial, folder: Path) -> tuple[Images, Labels, int]:
    """Return shuffled validation images, their labels, and the batch size that divides them."""
    images, labels = arrays(folder, trial.data_digest, "validation")
    size = min(trial.batch_size, len(images))
    order = permutation(trial.seed, PROBE, len(images))[: len(images) // size * size]
    return images[order], labels[order], size


def _recalibrate(trial: Trial, folder: Path, subject: Subject, by_batch: Forward) -> None:
    count = min(trial.probes.recalibration_examples, trial.examples)
    chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:count]
    images, _ = rows(folder, trial.data_digest, "train", chosen)
    batch_size = min(trial.probes.recalibration_batch_size, count)
    recalibrate(by_batch, subject.layers, images, batch_size)


def _recalibrated(
    trial: Trial, folder: Path, subject: Subject, splits: Sequence[str]
) -> dict[str, float]:
    """Return each split's accuracy under statistics that were recalibrated just now."""
    found: dict[str, float] = {}
    for split in splits:
        images, labels = arrays(folder, trial.data_digest, split)
        logits = logits_of(subject.infer, images, CHUNK)
        found[f"{split}_score_recalibrated"] = accuracy(logits, labels)
    return found
