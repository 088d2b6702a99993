"""One trial by plain Keras: `fit` with a whole epoch per execution.

Epochs use the first `examples` training images in an order drawn from (seed,
epoch). A last batch that would be short is left out; another order puts other
examples there in the next epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.components import build
from pipeline.data.arrays import open_split, read_manifest
from pipeline.errors import Refusal
from pipeline.models.norms import norm_factory
from pipeline.records import Result, Trial
from pipeline.training.evaluation import (
    CHUNK,
    Forward,
    accuracy,
    batchwise,
    cross_entropy,
    inference,
    kept_statistics,
    logits_of,
    recalibrate,
    with_moving_statistics,
)
from pipeline.training.saved import save_model
from pipeline.training.weights import draw_weights, weights_digest

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Watch = Callable[[int, dict[str, float]], None]

__all__ = ["arrays", "permutation", "save_model", "summary", "train"]

PROBE, RECALIBRATION = -1, -2  # stand where an epoch's number would in a permutation's seed


def train(trial: Trial, folder: Path, watch: Watch | None = None) -> tuple[Result, keras.Model]:
    """Answer a trial from the arrays in `folder`.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.

    Returns:
        The result and the trained model, which has moving statistics and no optimizer.

    Raises:
        Refusal: The arrays are not those of the trial, or the model cannot be built.
    """
    classes = len(read_manifest(folder).classes)
    images, labels = arrays(folder, trial.data_digest, "train")
    images, labels = images[: trial.examples], labels[: trial.examples]
    validation = arrays(folder, trial.data_digest, "validation")

    model = built(trial, images.shape[1:], classes)
    steps = trial.examples // trial.batch_size
    fitted = keras.Model(model.inputs, model.outputs)
    fitted.compile(
        optimizer=build(trial.optimizer),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        steps_per_execution=steps,
        jit_compile=False,
    )
    infer = inference(model)

    curves: dict[str, list[float]] = {}
    for epoch in range(trial.epochs):
        order = permutation(trial.seed, epoch, trial.examples)[: steps * trial.batch_size]
        history = fitted.fit(
            images[order],
            labels[order],
            batch_size=trial.batch_size,
            shuffle=False,
            verbose=0,
        ).history
        logits = logits_of(infer, validation[0], CHUNK)
        values = {
            "training_loss": float(history["loss"][0]),
            "training_accuracy": float(history["accuracy"][0]),
            "validation_loss": cross_entropy(logits, validation[1]),
            "validation_accuracy": accuracy(logits, validation[1]),
        }
        for name, value in values.items():
            curves.setdefault(name, []).append(value)
        if watch is not None:
            watch(epoch, values)
        if not math.isfinite(values["training_loss"]):
            break

    digest = weights_digest(model)
    diverged = not math.isfinite(curves["training_loss"][-1])
    measured = measurements(trial, folder, model, infer, chance=diverged)
    result = Result(
        steps=steps * len(curves["training_loss"]),
        metrics={name: value for name, value in measured.items() if math.isfinite(value)},
        curves={
            name: tuple(value if math.isfinite(value) else None for value in values)
            for name, values in curves.items()
        },
        weights_digest=digest,
    )
    return result, model


def built(trial: Trial, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Return the trial's model with its initial weights.

    Raises:
        Refusal: The model's or the layer's code does not take its arguments.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(trial.seed)
    model = build(trial.model, shape, classes, norm_factory(trial.norm))
    if not isinstance(model, keras.Model):
        raise Refusal(f"{trial.model.target} returned {type(model).__name__}, not a keras.Model")
    draw_weights(model, trial.seed)
    return model


def summary(trial: Trial, folder: Path) -> str:
    """Return the trial's model as Keras's table of layers, shapes and parameters."""
    images, _ = arrays(folder, trial.data_digest, "train")
    model = built(trial, images.shape[1:], len(read_manifest(folder).classes))
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines)


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of `count` examples: a function of (seed, epoch) alone."""
    return np.random.default_rng([seed, epoch % 2**32]).permutation(count)


def measurements(
    trial: Trial, folder: Path, model: keras.Model, infer: Forward, *, chance: bool
) -> dict[str, float]:
    """Return the scored metrics of a trained model; it keeps its moving statistics.

    `infer` is the model compiled by `inference`. With `chance` (a diverged
    run), every accuracy is 1 / classes and losses are left out.
    """
    splits = ["validation"] + ["test"] * (trial.split == "test")
    evaluated = {split: arrays(folder, trial.data_digest, split) for split in splits}
    layers = with_moving_statistics(model)
    measured: dict[str, float] = {}

    def score(name: str, logits: NDArray[np.float32], labels: Labels) -> None:
        measured[name] = 1 / logits.shape[1] if chance else accuracy(logits, labels)

    for split, (images, labels) in evaluated.items():
        logits = logits_of(infer, images, CHUNK)
        score(f"{split}_accuracy", logits, labels)
        if not chance:
            measured[f"{split}_loss"] = cross_entropy(logits, labels)
    if not layers:
        return measured

    images, labels = evaluated["validation"]
    size = min(trial.batch_size, len(images))
    order = permutation(trial.seed, PROBE, len(images))[: len(images) // size * size]
    shuffled, shuffled_labels = images[order], labels[order]
    score("gap_moving", logits_of(infer, shuffled, size), shuffled_labels)
    with kept_statistics(layers):
        by_batch = batchwise(model, layers)
        score("gap_batch", logits_of(by_batch, shuffled, size), shuffled_labels)
        training, _ = arrays(folder, trial.data_digest, "train")
        count = min(trial.probes.recalibration_examples, trial.examples)
        chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:count]
        batch = min(trial.probes.recalibration_batch_size, count)
        recalibrate(by_batch, layers, training[chosen], batch)
        score("gap_recalibrated", logits_of(infer, shuffled, size), shuffled_labels)
        for split, (images, labels) in evaluated.items():
            logits = logits_of(infer, images, CHUNK)
            score(f"{split}_accuracy_recalibrated", logits, labels)
    return measured


@lru_cache(maxsize=6)
def arrays(folder: Path, data_digest: str, split: str) -> tuple[Images, Labels]:
    """Return a split as the numbers a model sees: images scaled to float32, and labels.

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    manifest = read_manifest(folder)
    if manifest.digest != data_digest:
        raise Refusal(
            f"{folder}: holds data {manifest.digest[:12]}, but the trial asks about "
            f"{data_digest[:12]}; run prepare again"
        )
    images, labels = open_split(folder, split)
    return np.multiply(images, np.float32(manifest.scale), dtype=np.float32), np.asarray(labels)
