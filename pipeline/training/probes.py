"""What is measured of a model besides its loss, with its weights as they are.

Every probe leaves the model as it found it, to the bit. Validation examples come in an
order drawn from the trial's seed, training examples in another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.records import Trial
from pipeline.tasks.scoring import scoring_of
from pipeline.training.evaluation import averages_of, kept, moved
from pipeline.training.outputs import PROBE, Outputs
from pipeline.training.setting import Examples, arrays, permutation, spread_of


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


def statistics_curves(said: Outputs) -> dict[str, float]:
    """Return the validation score under each kind of statistics that the trial asks for.

    Nothing where no layer has moving statistics.
    """
    found: dict[str, float] = {}
    for kind in said.trial.probes.statistics_curves if said.subject.layers else ():
        if kind == "batch":
            found["validation_score_batch"] = _score(said, said.batch(), said.shuffled)
        else:
            outputs = said.recalibrated("validation")
            found["validation_score_recalibrated"] = _score(said, outputs)
    return found


def statistics_marks(said: Outputs, splits: Sequence[str]) -> dict[str, float]:
    """Return the scores and errors that depend on which statistics normalize.

    `gap_moving`, `gap_batch` and `gap_recalibrated` are scores of the same validation examples,
    for the batch's own statistics in batches of the trial's size; `SPLIT_score_recalibrated` and
    `SPLIT_error_recalibrated` are of each whole split. Nothing where no layer has
    moving statistics.
    """
    if not said.subject.layers:
        return {}
    chosen = said.shuffled
    found = {
        "gap_moving": _score(said, said.moving("validation")[chosen], chosen),
        "gap_batch": _score(said, said.batch(), chosen),
        "gap_recalibrated": _score(said, said.recalibrated("validation")[chosen], chosen),
    }
    for split in splits:
        outputs = said.recalibrated(split)
        found |= marks_of(said.trial, said.folder, split, outputs, "_recalibrated")
    return found | _mistaken(said)


def output_changes(said: Outputs) -> dict[str, float]:
    """Return how far outputs move when the other examples of the batch are exchanged.

    k validation examples go through the model with k others, and again with k others still;
    k is `probes.independence_examples`, or a third of the split where that is less. An example's
    change is the largest difference of an output over its largest output, both by magnitude;
    `output_change_training` and `output_change_inference` are the largest over the k examples.
    What dropout draws depends on the place in the batch alone, so it is the same both times.
    Nothing where k is 0.
    """
    trial, subject = said.trial, said.subject
    examples, _ = arrays(said.folder, trial.data_digest, "validation")
    count = min(trial.probes.independence_examples, len(examples) // 3)
    if not count:
        return {}
    order = permutation(trial.seed, PROBE, len(examples))
    tested, *others = (examples[order[i * count : (i + 1) * count]] for i in range(3))
    batches = [np.concatenate([tested, mates]) for mates in others]

    def training(batch: Examples) -> NDArray[np.float32]:
        return subject.by_batch(batch, len(batch)).outputs

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


def _mistaken(said: Outputs) -> dict[str, float]:
    """Return scores of the validation split that a wrong training flag gives.

    `validation_score_single` is of single examples in training mode, `validation_score_sorted` of
    all in training mode, in batches of the trial's size in order of their targets;
    `validation_score_leaked` is by the averages that such an evaluation leaves.
    """
    trial, subject = said.trial, said.subject
    count = trial.probes.single_examples
    if not count:
        return {}
    examples, targets = arrays(said.folder, trial.data_digest, "validation")
    chosen = permutation(trial.seed, PROBE, len(examples))[:count]
    order = np.argsort(targets.reshape(len(targets), -1)[:, 0], kind="stable")
    momenta = [_number(layer, "momentum") for layer in subject.layers]
    averages = averages_of(subject.layers)
    single = subject.by_batch(examples[chosen], 1)
    sorted_ = subject.by_batch(examples[order], trial.batch_size)
    with kept(averages):
        values = [average.numpy() for average in averages]
        for average, end in zip(averages, moved(values, sorted_.statistics, momenta), strict=True):
            average.assign(end)
        leaked = subject.infer(examples)
    return {
        "validation_score_single": _score(said, single.outputs, chosen),
        "validation_score_sorted": _score(said, sorted_.outputs, order),
        "validation_score_leaked": _score(said, leaked),
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


def _score(
    said: Outputs, outputs: NDArray[np.float32], chosen: NDArray[np.int64] | slice = slice(None)
) -> float:
    """Return the score of these validation examples, against the whole split's spread."""
    _, targets = arrays(said.folder, said.trial.data_digest, "validation")
    spread = spread_of(said.folder, said.trial.data_digest, "validation")
    return scoring_of(said.trial.task).score(outputs, targets[chosen], spread)
