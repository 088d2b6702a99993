"""What both trainers start from: arrays as a model sees them, the model, and the order of examples.

Training passes over the first `examples` training examples again and again, each
time in an order drawn from (seed, pass). A last batch that would be short is
left out; another order puts other examples there in the next pass. An epoch is
a pass, unless the trial says how many steps it takes: then it ends, and the
next one goes on, anywhere in a pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.components import build
from pipeline.data.arrays import open_split, read_manifest
from pipeline.errors import Refusal
from pipeline.records import Component, Manifest, Trial
from pipeline.training.builder import Make, made
from pipeline.training.draws import check_draws
from pipeline.training.weights import check_origins, draw_weights

Examples = NDArray[np.float32]
Targets = NDArray[np.int64] | NDArray[np.float32]
Watch = Callable[[int, dict[str, float]], None]

NORM_WEIGHTS = ("gamma", "beta")
# Of whatever a builder draws beside its weights: the same for all trials, as constants are. A
# second one tells constants from draws.
BUILDER_SEEDS = (0, 1)


def built(trial: Trial, shape: tuple[int, ...], outputs: int, make: Make = build) -> keras.Model:
    """Return the trial's model with its initial weights.

    Args:
        trial: The question.
        shape: Shape of an example: (h, w, c), (t, d) or (d,).
        outputs: How many numbers the model gives for an example.
        make: What makes the arm's layer of its component.

    Raises:
        Refusal: The model's or the layer's code does not take its arguments or such examples,
            or gives what cannot be compared.
    """
    model = made(trial, shape, outputs, make, BUILDER_SEEDS[0])
    if check_origins(model):
        check_origins(model, made(trial, shape, outputs, make, BUILDER_SEEDS[1]))
    for variable in model.variables:
        variable.origin.forget()
    draw_weights(model, trial.seed)
    check_draws(trial.model.target, model, shape, BUILDER_SEEDS)
    return model


def plain(trial: Trial, shape: tuple[int, ...], trained: keras.Model) -> keras.Model:
    """Return Keras's own model of the trial with the weights of one that a trainer made.

    Args:
        trial: The question.
        shape: Of an example: a model may leave it open.
        trained: The other model.
    """
    model = built(trial, shape, int(trained.output_shape[-1]))
    for variable, value in zip(model.variables, trained.variables, strict=True):
        variable.assign(value.numpy())
    return model


def decayed(trial: Trial, model: keras.Model) -> list[bool]:
    """Return for each trainable weight whether weight decay may shrink it.

    Gamma and beta are spared, unless the trial says otherwise.
    """
    return [
        trial.decay_norm_weights or weight.name not in NORM_WEIGHTS
        for weight in model.trainable_variables
    ]


def is_over(trial: Trial, epoch: int, values: dict[str, float]) -> bool:
    """Tell whether training ends with this epoch: its loss is not finite, or it is pruned."""
    if not math.isfinite(values["training_loss"]):
        return True
    threshold = trial.thresholds[epoch] if epoch < len(trial.thresholds) else None
    return threshold is not None and values["validation_score"] < threshold


def steps_of(trial: Trial, epoch: int) -> int:
    """Return how many steps an epoch takes: by default, one pass of whole batches."""
    steps = trial.steps_per_epoch
    if steps is None:
        return trial.examples // trial.batch_size
    return steps if isinstance(steps, int) else steps[epoch]


def order(trial: Trial, epoch: int) -> NDArray[np.int64]:
    """Return the examples of an epoch's steps in their order, shape (steps * batch size,).

    They go on where the epoch before left the passes.
    """
    whole = trial.examples // trial.batch_size * trial.batch_size
    start = trial.batch_size * sum(steps_of(trial, before) for before in range(epoch))
    stop = start + trial.batch_size * steps_of(trial, epoch)
    passes = range(start // whole, -(-stop // whole))
    drawn = [permutation(trial.seed, each, trial.examples)[:whole] for each in passes]
    skipped = passes.start * whole
    return np.concatenate(drawn)[start - skipped : stop - skipped]


def permutation(seed: int, number: int, count: int) -> NDArray[np.int64]:
    """Return the order of `count` examples: a function of (seed, number) alone.

    The number is a pass's, from 0; those of other orders are negative.
    """
    return np.random.default_rng([seed, number % 2**32]).permutation(count)


def summary(trial: Trial, folder: Path) -> str:
    """Return the trial's model as Keras's table of layers, shapes and parameters."""
    digest = trial.data_digest
    model = built(trial, shape_of(folder, digest), output_count(folder, digest))
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines)


def output_count(folder: Path, data_digest: str) -> int:
    """Return how many numbers a model of the dataset gives for an example.

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    return _manifest(folder, data_digest).outputs


def spread_of(folder: Path, data_digest: str, split: str) -> float:
    """Return the variance of a split's targets; 1 where they are labels.

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    return _manifest(folder, data_digest).spread.get(split, 1.0)


def shape_of(folder: Path, data_digest: str) -> tuple[int, ...]:
    """Return the shape of the dataset's examples: (h, w, c), (t, d) or (d,).

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    return _manifest(folder, data_digest).shape


@lru_cache(maxsize=6)
def arrays(folder: Path, data_digest: str, split: str) -> tuple[Examples, Targets]:
    """Return a whole split as `rows` does, and keep it in memory.

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    return rows(folder, data_digest, split, slice(None))


def rows(
    folder: Path, data_digest: str, split: str, chosen: slice | NDArray[np.int64]
) -> tuple[Examples, Targets]:
    """Return some of a split as a model sees it: examples scaled to float32, and targets.

    Raises:
        Refusal: The folder's arrays are not those with `data_digest`.
    """
    examples, targets, scale = _stored(folder, data_digest, split)
    return np.multiply(examples[chosen], scale, dtype=np.float32), targets[chosen]


@lru_cache(maxsize=6)
def _stored(folder: Path, data_digest: str, split: str) -> tuple[NDArray[Any], Targets, np.float32]:
    """Return a split as it lies on disk, memory-mapped, and what scales its examples."""
    scale = np.float32(_manifest(folder, data_digest).scale)
    return *open_split(folder, split), scale


@lru_cache(maxsize=2)
def _manifest(folder: Path, data_digest: str) -> Manifest:
    manifest = read_manifest(folder)
    if manifest.digest != data_digest:
        raise Refusal(
            f"{folder}: holds data {manifest.digest[:12]}, but the trial asks about "
            f"{data_digest[:12]}; run prepare again"
        )
    return manifest


def component_without(component: Component, *names: str) -> Component:
    """Return a component without some of its arguments: what does not belong to a graph."""
    kept = {name: value for name, value in component.arguments.items() if name not in names}
    return component.model_copy(update={"arguments": kept})
