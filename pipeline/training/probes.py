"""What is measured of a model besides its loss, with its weights as they are.

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
from pipeline.tasks.scoring import scoring_of
from pipeline.training.evaluation import CHUNK, Forward, moved_on, outputs_of, recalibrate
from pipeline.training.setting import Examples, Targets, arrays, permutation, rows, spread_of

PROBE, RECALIBRATION = -1, -2  # stand where a pass's number would in a permutation's seed


@dataclass(frozen=True)
class Subject:
    """A model under measurement.

    Attributes:
        infer: Its forward pass as a user runs it.
        by_batch: Lends its forward pass in training mode, which normalizes by the examples
            themselves and leaves their statistics in the layers' moving averages. On leaving,
            everything is put back.
        layers: Its layers with moving statistics.
        kernels: Which kernel normalizes, which one updates, and how a recurrence runs.
    """

    model: keras.Model
    infer: Forward
    by_batch: Callable[[], AbstractContextManager[Forward]]
    layers: Sequence[keras.Layer]
    kernels: dict[str, str]


def marks_of(
    trial: Trial, folder: Path, split: str, outputs: NDArray[np.float32], ending: str = ""
) -> dict[str, float]:
    """Return score and error of the outputs for a whole split, named `SPLIT_score` and so on."""
    scoring = scoring_of(trial.task)
    _, targets = arrays(folder, trial.data_digest, split)
    spread = spread_of(folder, trial.data_digest, split)
    return {
        f"{split}_score{ending}": scoring.score(outputs, targets, spread),
        f"{split}_error{ending}": scoring.error(outputs, targets),
    }


def statistics_curves(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    """Return the validation score under batch and under recalibrated statistics.

    Nothing where the trial does not ask for it, or no layer has moving statistics.
    """
    if not trial.probes.statistics_curves or not subject.layers:
        return {}
    examples, targets, size = _shuffled(trial, folder)
    with subject.by_batch() as run:
        by_batch = _score(trial, folder, outputs_of(run, examples, size), targets)
        _recalibrate(trial, folder, subject, run)
        recalibrated = _recalibrated(trial, folder, subject, ["validation"])
    kept = "validation_score_recalibrated"
    return {"validation_score_batch": by_batch, kept: recalibrated[kept]}


def statistics_marks(
    trial: Trial, folder: Path, subject: Subject, splits: Sequence[str]
) -> dict[str, float]:
    """Return the scores and errors that depend on which statistics normalize.

    `gap_moving`, `gap_batch` and `gap_recalibrated` are scores of the same validation examples,
    for the batch's own statistics in batches of the trial's size; `SPLIT_score_recalibrated` and
    `SPLIT_error_recalibrated` are of each whole split. Nothing where no layer has
    moving statistics.
    """
    if not subject.layers:
        return {}
    examples, targets, size = _shuffled(trial, folder)

    def scored(run: Forward, batch_size: int) -> float:
        return _score(trial, folder, outputs_of(run, examples, batch_size), targets)

    found = {"gap_moving": scored(subject.infer, CHUNK)}
    with subject.by_batch() as run:
        found["gap_batch"] = scored(run, size)
        _recalibrate(trial, folder, subject, run)
        found["gap_recalibrated"] = scored(subject.infer, CHUNK)
        found |= _recalibrated(trial, folder, subject, splits)
    return found | _mistaken(trial, folder, subject)


def output_changes(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    """Return how far outputs move when the other examples of the batch are exchanged.

    k validation examples go through the model with k others, and again with k others still;
    k is `probes.independence_examples`, or a third of the split where that is less. An example's
    change is the largest difference of an output over its largest output, both by magnitude;
    `output_change_training` and `output_change_inference` are the largest over the k examples.
    What dropout draws depends on the place in the batch alone, so it is the same both times.
    Nothing where k is 0.
    """
    examples, _ = arrays(folder, trial.data_digest, "validation")
    count = min(trial.probes.independence_examples, len(examples) // 3)
    if not count:
        return {}
    order = permutation(trial.seed, PROBE, len(examples))
    tested, *others = (examples[order[i * count : (i + 1) * count]] for i in range(3))
    batches = [np.concatenate([tested, mates]) for mates in others]

    def training(batch: Examples) -> NDArray[np.float32]:
        with subject.by_batch() as run:
            return run(batch)

    return {
        f"output_change_{mode}": _largest_change(*(run(batch)[:count] for batch in batches))
        for mode, run in (("training", training), ("inference", subject.infer))
    }


def _largest_change(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest change of a row relative to `first`, shape (k, outputs)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.abs(first.astype(np.float64) - second).max(axis=1)
        relative = change / np.abs(first).max(axis=1)
    return float(np.where(change == 0, 0.0, relative).max())


def _mistaken(trial: Trial, folder: Path, subject: Subject) -> dict[str, float]:
    """Return scores of the validation split that a wrong training flag gives.

    `validation_score_single` is of single examples in training mode, `validation_score_sorted` of
    all in training mode, in batches of the trial's size in order of their targets;
    `validation_score_leaked` is by the averages that such an evaluation leaves.
    """
    count = trial.probes.single_examples
    if not count:
        return {}
    examples, targets = arrays(folder, trial.data_digest, "validation")
    chosen = permutation(trial.seed, PROBE, len(examples))[:count]
    order = np.argsort(targets.reshape(len(targets), -1)[:, 0], kind="stable")
    momenta = [_number(layer, "momentum") for layer in subject.layers]
    with subject.by_batch() as run:
        single = outputs_of(run, examples[chosen], 1)
    with subject.by_batch() as run:
        sorted_ = moved_on(run, subject.layers, examples[order], trial.batch_size, momenta)
        leaked = outputs_of(subject.infer, examples, CHUNK)
    return {
        "validation_score_single": _score(trial, folder, single, targets[chosen]),
        "validation_score_sorted": _score(trial, folder, sorted_, targets[order]),
        "validation_score_leaked": _score(trial, folder, leaked, targets),
    }


def inert_marks(layers: Sequence[keras.Layer]) -> dict[str, float]:
    """Return how much of the normalization does nothing; nothing where no layer has statistics.

    `unmoved_layers` is the share of layers whose moving statistics are where they started,
    `low_variances` that of channels whose variance is under ten times their layer's epsilon.
    """
    if not layers:
        return {}
    unmoved, low = [], []
    for layer in layers:
        mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
        unmoved.append(not mean.any() and bool((variance == 1).all()))
        low.append(variance.ravel() < 10 * _number(layer, "epsilon"))
    return {
        "unmoved_layers": float(np.mean(unmoved)),
        "low_variances": float(np.mean(np.concatenate(low))),
    }


def _number(layer: keras.Layer, name: str) -> float:
    """Return a layer's momentum or epsilon, 0 without one; of ours, what this trial gave it."""
    averages = getattr(layer, "averages", None)
    given = getattr(averages, name, None)
    return float(getattr(layer, name, 0.0) if given is None else given.numpy())


def _score(trial: Trial, folder: Path, outputs: NDArray[np.float32], targets: Targets) -> float:
    """Return the score of some of the validation examples, against the whole split's spread."""
    spread = spread_of(folder, trial.data_digest, "validation")
    return scoring_of(trial.task).score(outputs, targets, spread)


def _shuffled(trial: Trial, folder: Path) -> tuple[Examples, Targets, int]:
    """Return shuffled validation examples, their targets, and the batch size that divides them."""
    examples, targets = arrays(folder, trial.data_digest, "validation")
    size = min(trial.batch_size, len(examples))
    order = permutation(trial.seed, PROBE, len(examples))[: len(examples) // size * size]
    return examples[order], targets[order], size


def _recalibrate(trial: Trial, folder: Path, subject: Subject, by_batch: Forward) -> None:
    count = min(trial.probes.recalibration_examples, trial.examples)
    chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:count]
    examples, _ = rows(folder, trial.data_digest, "train", chosen)
    batch_size = min(trial.probes.recalibration_batch_size, count)
    recalibrate(by_batch, subject.layers, examples, batch_size)


def _recalibrated(
    trial: Trial, folder: Path, subject: Subject, splits: Sequence[str]
) -> dict[str, float]:
    """Return each split's score and error under statistics that were recalibrated just now."""
    found: dict[str, float] = {}
    for split in splits:
        examples, _ = arrays(folder, trial.data_digest, split)
        outputs = outputs_of(subject.infer, examples, CHUNK)
        found |= marks_of(trial, folder, split, outputs, "_recalibrated")
    return found
