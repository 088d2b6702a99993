"""Outputs of a model under three kinds of batch-norm statistics.

Moving statistics are what a user gets, batch statistics are what training
saw, recalibrated ones are the population's, recomputed over training examples
with the weights as they are (Wu and Johnson, "Rethinking 'Batch' in BatchNorm",
2021). A pass over many batches is one call into TensorFlow, and leaves the model
as it was, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.training.private_keras import layers_of

CHUNK = 500  # examples per inference batch; moves no digit that matters, bounds memory
CALL_BYTES = 64 << 20  # of examples that one call copies, or one batch where that is more


@dataclass(frozen=True)
class Passed:
    """What a pass by batches gave.

    Attributes:
        outputs: Shape (n, outputs).
        statistics: Of each layer the means, then the variances of its batches, shape
            (batches, channels) each.
    """

    outputs: NDArray[np.float32]
    statistics: list[NDArray[np.float32]]


Inference = Callable[[NDArray[np.float32]], NDArray[np.float32]]
ByBatch = Callable[[NDArray[np.float32], int], Passed]


def inference(model: keras.Model) -> Inference:
    """Compile the model as a user runs it: examples (n, ...) to outputs (n, outputs)."""
    run = _compiled(model, [], lambda body: body(), training=False)
    return lambda examples: run(examples, CHUNK).outputs


def batchwise(
    model: keras.Model,
    layers: Sequence[keras.Layer],
    switch: Callable[[], None] = lambda: None,
    switched: Sequence[tf.Variable] = (),
) -> ByBatch:
    """Compile the model as training runs it: each batch is normalized by its own examples.

    Args:
        model: Built.
        layers: Its layers with moving statistics.
        switch: Gives momentum 0 to those that read it from a variable.
        switched: The variables that this and a pass change beside the model's own.
    """
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    changed = [*(each.value for each in model.non_trainable_variables), *switched]
    averages = averages_of(layers)

    def passing(body: Callable[[], Any]) -> Any:
        before = [variable.read_value() for variable in changed]
        switch()
        found = body()
        for variable, value in zip(changed, before, strict=True):
            variable.assign(value)
        return found

    try:
        return _compiled(model, averages, passing, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def _compiled(
    model: keras.Model,
    averages: Sequence[keras.Variable],
    around: Callable[[Callable[[], Any]], Any],
    *,
    training: bool,
) -> ByBatch:
    """Compile a pass over any number of batches, which runs within `around`."""
    shape = (None, *model.output_shape[1:])

    def batches(examples: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        count = (tf.shape(examples)[0] + size - 1) // size
        outputs = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=shape)
        statistics = [tf.TensorArray(tf.float32, count) for _ in averages]
        for i in tf.range(count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            said = model(examples[i * size : (i + 1) * size], training=training)
            outputs = outputs.write(i, tf.cast(said, tf.float32))
            statistics = [
                rows.write(i, tf.cast(average.value, tf.float32))
                for rows, average in zip(statistics, averages, strict=True)
            ]
        return outputs.concat(), [rows.stack() for rows in statistics]

    specs = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32), tf.TensorSpec((), tf.int32)]
    function = tf.function(lambda *given: around(lambda: batches(*given)))
    graph = function.get_concrete_function(*specs)

    def run(examples: NDArray[np.float32], batch_size: int) -> Passed:
        at_once = max(1, CALL_BYTES // max(1, examples[:batch_size].nbytes)) * batch_size
        parts = [
            graph(tf.constant(examples[start : start + at_once]), tf.constant(batch_size))
            for start in range(0, len(examples), at_once)
        ]
        outputs, statistics = zip(*parts, strict=True)
        return Passed(_joined(outputs), [_joined(rows) for rows in zip(*statistics, strict=True)])

    return run


def _joined(parts: Sequence[tf.Tensor]) -> NDArray[np.float32]:
    return np.concatenate([part.numpy() for part in parts])


def with_moving_statistics(model: keras.Model) -> list[keras.Layer]:
    """Return the layers that normalize by batch in training and by moving averages at inference."""
    return [
        layer
        for layer in layers_of(model)
        if hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")
    ]


def averages_of(layers: Sequence[Any]) -> list[Any]:
    """Return the variables that hold the layers' moving averages: of each mean and variance."""
    return [each for layer in layers for each in (layer.moving_mean, layer.moving_variance)]


@contextmanager
def kept(variables: Iterable[keras.Variable | tf.Variable]) -> Iterator[None]:
    """Put the variables back, to the bit, whatever the body did to them."""
    before = [(variable, variable.numpy().copy()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def population(statistics: Sequence[NDArray[Any]]) -> list[NDArray[np.float64]]:
    """Return the population's mean and variance of each layer, shape (channels,) each.

    The population variance pools the batches: the mean of their variances plus
    the variance of their means.

    Args:
        statistics: Of each layer the means, then the variances of its batches, shape
            (batches, channels) each; the batches are whole ones.
    """
    found = []
    for means, variances in zip(statistics[::2], statistics[1::2], strict=True):
        of_means, of_variances = means.astype(np.float64), variances.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):  # of a diverged model: not finite
            pooled = np.mean(of_variances, axis=0) + np.var(of_means, axis=0)
            found += [np.mean(of_means, axis=0), pooled]
    return found


def moved(
    averages: Sequence[NDArray[Any]],
    statistics: Sequence[NDArray[Any]],
    momenta: Sequence[float],
) -> list[NDArray[np.float64]]:
    """Return where averages stand after each batch in turn has moved them.

    Args:
        averages: Where each layer's mean and variance started, shape (channels,) each.
        statistics: As in `population`.
        momenta: Of each layer.
    """
    ends = []
    for i, (average, batches) in enumerate(zip(averages, statistics, strict=True)):
        momentum, end = momenta[i // 2], average.astype(np.float64)
        for batch in batches.astype(np.float64):
            end = momentum * end + (1 - momentum) * batch
        ends.append(end)
    return ends
