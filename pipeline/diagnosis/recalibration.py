"""Population statistics instead of moving averages: a finished model's, in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from pipeline.diagnosis.passes import Array, Forward, by_batch
from pipeline.diagnosis.reading import batch_norms_of
from pipeline.errors import Refusal
from pipeline.training.evaluation import averages_of, kept
from pipeline.training.evaluation import population as pooled

MOST = 10_000  # examples; the statistics of more are no surer than others' rounding


@dataclass(frozen=True, eq=False)
class Statistics:
    """A norm's averages: shape (channels,) each, in the variables' own type."""

    mean: Array
    variance: Array


def recalibrate(model: keras.Model, examples: Array, *, batch_size: int = 32) -> None:
    """Replace moving averages by the population's over training examples, in the model itself.

    The population variance pools the batches: the mean of their variances plus the variance of
    their means (Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021). Weights are left as
    they are, and so is a frozen norm.

    Args:
        model: Built, whoever trained it.
        examples: Training examples, shape (n, ...), in any order; 10,000 at most are used.
        batch_size: As in training.

    Raises:
        Refusal: The model has no batch norm, or cannot be called on the examples.
    """
    layers = list(batch_norms_of(model).values())
    if not layers:
        raise Refusal("the model has no batch normalization: there is nothing to recalibrate")
    for layer, found in zip(layers, population(model, layers, examples, batch_size), strict=True):
        put(layer, found)


def population(
    model: keras.Model, layers: list[Any], examples: Array, batch_size: int
) -> list[Statistics]:
    """Return the population statistics of each layer, and leave the model as it was.

    Batches are drawn at random: examples often lie sorted by their targets.
    """
    chosen = examples[np.random.default_rng(0).permutation(len(examples))[:MOST]]
    run = by_batch(model, examples, layers)
    with kept(averages_of(layers)):
        size = min(batch_size, len(examples))
        moving = [layer for layer in layers if layer.trainable]
        if moving:
            forget(moving)
            settle(run, moving, chosen, size)
        return [statistics_of(layer) for layer in layers]


def settle(run: Forward, layers: list[Any], examples: Array, batch_size: int) -> Array:
    """Put the population statistics over whole batches into layers of momentum 0.

    Returns:
        What the model said of the batches meanwhile.
    """
    variables = averages_of(layers)
    outputs: list[Array] = []
    statistics: list[list[Array]] = [[] for _ in variables]
    for start in range(0, len(examples) - batch_size + 1, batch_size):
        outputs.append(run(examples[start : start + batch_size]))
        for rows, variable in zip(statistics, variables, strict=True):
            rows.append(variable.numpy().astype(np.float64))
    found = pooled([np.stack(rows) for rows in statistics])
    for variable, value in zip(variables, found, strict=True):
        variable.assign(value)
    return np.concatenate(outputs)


def forget(layers: list[Any]) -> None:
    """Put averages where Keras starts them: what is not a number stays one, times momentum 0."""
    for layer in layers:
        put(layer, Statistics(*(np.full(layer.moving_mean.shape, value) for value in (0.0, 1.0))))


def statistics_of(layer: Any) -> Statistics:
    """Return a copy of a layer's moving averages."""
    return Statistics(np.copy(layer.moving_mean.numpy()), np.copy(layer.moving_variance.numpy()))


def put(layer: Any, statistics: Statistics) -> None:
    """Let a layer normalize by these at inference."""
    layer.moving_mean.assign(statistics.mean)
    layer.moving_variance.assign(statistics.variance)
