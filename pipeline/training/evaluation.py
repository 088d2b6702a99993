"""Outputs of a model under three kinds of batch-norm statistics.

Moving statistics are what a user gets, batch statistics are what training
saw, recalibrated ones are the population's, recomputed over training examples
with the weights as they are (Wu and Johnson, "Rethinking 'Batch' in BatchNorm",
2021).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.training.private_keras import layers_of

CHUNK = 500  # examples per inference call; moves no digit that matters, bounds memory

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def inference(model: keras.Model) -> Forward:
    """Compile the model as a user runs it: examples (n, ...) to outputs (n, outputs)."""
    return _compiled(model, training=False)


def batchwise(model: keras.Model, layers: list[keras.Layer]) -> Forward:
    """Compile the model as training runs it: each call normalizes by its own examples.

    A call leaves the statistics of its examples in the layers' moving averages, and
    moves on what dropout draws from: use it within `kept`.
    """
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        return _compiled(model, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def _compiled(model: keras.Model, *, training: bool) -> Forward:
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    function = tf.function(lambda examples: tf.cast(model(examples, training=training), tf.float32))
    graph = function.get_concrete_function(spec)
    return lambda examples: graph(tf.constant(examples)).numpy()


def outputs_of(run: Forward, examples: NDArray[np.float32], batch_size: int) -> NDArray[np.float32]:
    """Return the outputs of all examples, computed in batches of `batch_size`."""
    starts = range(0, len(examples), batch_size)
    return np.concatenate([run(examples[start : start + batch_size]) for start in starts])


def with_moving_statistics(model: keras.Model) -> list[keras.Layer]:
    """Return the layers that normalize by batch in training and by moving averages at inference."""
    return [
        layer
        for layer in layers_of(model)
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]


@contextmanager
def kept(variables: Iterable[keras.Variable | tf.Variable]) -> Iterator[None]:
    """Put the variables back, to the bit, whatever the body did to them."""
    before = [(variable, variable.numpy().copy()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def recalibrate(
    run: Forward,
    layers: list[keras.Layer],
    examples: NDArray[np.float32],
    batch_size: int,
) -> None:
    """Replace moving statistics by the population's over whole batches of training examples.

    The population variance pools the batches: the mean of their variances plus
    the variance of their means.

    Args:
        run: The model compiled by `batchwise`.
        layers: Its layers with moving statistics.
        examples: Training examples, shape (n, ...), in random order.
        batch_size: Examples per batch; a last, short batch is left out.
    """
    means: list[list[NDArray[np.float64]]] = [[] for _ in layers]
    variances: list[list[NDArray[np.float64]]] = [[] for _ in layers]
    for start in range(0, len(examples) - batch_size + 1, batch_size):
        run(examples[start : start + batch_size])
        for i, layer in enumerate(layers):
            means[i].append(_values(layer.moving_mean))
            variances[i].append(_values(layer.moving_variance))
    for layer, of_means, of_variances in zip(layers, means, variances, strict=True):
        with np.errstate(invalid="ignore", over="ignore"):  # of a diverged model: not finite
            pooled = np.mean(of_variances, axis=0) + np.var(of_means, axis=0)
        layer.moving_mean.assign(np.mean(of_means, axis=0))
        layer.moving_variance.assign(pooled)


def moved_on(
    run: Forward,
    layers: Sequence[keras.Layer],
    examples: NDArray[np.float32],
    batch_size: int,
    momenta: Sequence[float],
) -> NDArray[np.float32]:
    """Return what a model says of examples in training mode, its averages moving as it does.

    Args:
        run: The model compiled by `batchwise`.
        layers: Its layers with moving statistics; they are left where they moved.
        examples: Shape (n, ...).
        batch_size: Examples per batch; the last may be short.
        momenta: Of each layer's averages.
    """
    variables = [each for layer in layers for each in (layer.moving_mean, layer.moving_variance)]
    kept = [momentum for momentum in momenta for _ in ("mean", "variance")]
    averages = [_values(variable) for variable in variables]
    said = []
    for start in range(0, len(examples), batch_size):
        said.append(run(examples[start : start + batch_size]))
        averages = [
            momentum * average + (1 - momentum) * _values(variable)
            for momentum, average, variable in zip(kept, averages, variables, strict=True)
        ]
    for variable, average in zip(variables, averages, strict=True):
        variable.assign(average)
    return np.concatenate(said)


def _values(variable: keras.Variable) -> NDArray[np.float64]:
    return variable.numpy().astype(np.float64)
