"""A model's outputs with its norms by batch, and all else as at inference.

So dropout, noise and augmentation have no part in what is called a gap between statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.errors import Refusal, reason_of
from pipeline.training.evaluation import averages_of, kept

Array = NDArray[Any]
Forward = Callable[[Array], NDArray[np.float32]]


def by_averages(model: keras.Model, examples: Array) -> Forward:
    """Compile the model as it is used: norms by their moving averages."""
    return _compiled(model, examples)


def by_batch(model: keras.Model, examples: Array, layers: Sequence[Any]) -> Forward:
    """Compile the model with these norms by batch, frozen ones excepted, which never do.

    A call leaves its batch's statistics in the moving averages: use it where they are kept. A
    norm that somebody else's call runs, as one inside a recurrence, is only reached by the whole
    model's flag: then dropout is on, too.
    """
    with _normalizing_by_batch(layers):
        run = _compiled(model, examples)
        reached = _moved_by(run, examples, layers)
        if reached < sum(bool(layer.trainable) for layer in layers):
            whole = _compiled(model, examples, training=True)
            if _moved_by(whole, examples, layers) > reached:
                return whole
        return run


def _moved_by(run: Forward, examples: Array, layers: Sequence[Any]) -> int:
    """Return of how many norms a call moves the averages."""
    variables = averages_of(layers)
    with kept(variables):
        before = [np.copy(each.numpy()) for each in variables]
        run(examples[:2])
        moved = [
            not np.array_equal(old, new.numpy(), equal_nan=True)
            for old, new in zip(before, variables, strict=True)
        ]
    return sum(one or other for one, other in zip(moved[::2], moved[1::2], strict=True))


@contextmanager
def _normalizing_by_batch(layers: Sequence[Any]) -> Iterator[None]:
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
        layer.call = _in_training(layer.call)
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            del layer.call  # its own again


def _in_training(call: Callable[..., Any]) -> Callable[..., Any]:
    def calling(inputs: Any, *_: Any, **arguments: Any) -> Any:
        return call(inputs, **{**arguments, "training": True})

    return calling


def _compiled(model: keras.Model, examples: Array, *, training: bool = False) -> Forward:
    """Compile a model for any number of examples like these.

    Raises:
        Refusal: It can't be called on them, or gives more than one output.
    """
    spec = tf.TensorSpec((None, *examples.shape[1:]), examples.dtype)

    several: list[int] = []

    def outputs(batch: tf.Tensor) -> tf.Tensor:
        found = model(batch, training=training)
        if hasattr(found, "dtype"):
            return tf.cast(found, tf.float32)
        several.append(len(found))
        return tf.zeros(())

    try:
        graph = tf.function(outputs).get_concrete_function(spec)
    except Exception as error:  # a user's model may fail in any way
        raise Refusal(
            f"the model cannot be called on examples of shape {examples.shape[1:]} and type "
            f"{examples.dtype}: {reason_of(error)[:200]}"
        ) from None
    if several:
        raise Refusal(
            f"the model gives {several[0]} outputs; diagnose a model of the one that is scored"
        )
    return lambda batch: np.asarray(graph(tf.constant(batch)).numpy(), np.float32)


def all_outputs(run: Forward, examples: Array, batch_size: int) -> NDArray[np.float32]:
    """Return the outputs of all examples, in batches of `batch_size`, the last may be short."""
    starts = range(0, len(examples), batch_size)
    return np.concatenate([run(examples[start : start + batch_size]) for start in starts])
