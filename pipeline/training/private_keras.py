"""What we use of Keras that it does not document: here alone, and a contract test says what it is.

A new Keras that changes one of these fails in `tests/contract/test_private_keras.py`, by name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import random as keras_random


def layers_of(model: keras.Model) -> list[keras.Layer]:
    """Return every layer of a model, those within its models and layers included, once each."""
    return list(model._flatten_layers(include_self=False))


def recurrence_kernel(model: keras.Model) -> dict[str, str]:
    """Return how a model's recurrences run, as `recurrence`; nothing where it has none.

    `cudnn`: all steps in one kernel, Keras's choice for an LSTM and a GRU on a GPU; `loop`: a
    step at a time, in a loop of the graph; `steps`: each step has operations of its own.
    """
    found = set()
    for layer in layers_of(model):
        if isinstance(layer, keras.layers.RNN):
            fused = isinstance(layer, keras.layers.LSTM | keras.layers.GRU)
            slow = "steps" if layer.unroll else "loop"
            found.add("cudnn" if fused and not layer.supports_jit else slow)
        elif hasattr(layer, "recurrence"):  # of ours, which is none of Keras's
            found.add(layer.recurrence)
    return {"recurrence": " and ".join(sorted(found))} if found else {}


def batch_moments(
    layer: keras.layers.BatchNormalization, inputs: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the mean and biased variance that Keras's layer normalizes a batch by.

    Both have the length of the layer's axis.
    """
    mean, variance = layer._moments(inputs, None)
    return mean, variance


def is_generator_state(variable: keras.Variable) -> bool:
    """Tell whether a variable is what a `SeedGenerator` draws from."""
    return variable.name == "seed_generator_state"


def restart_generator(state: keras.Variable, seed: int) -> None:
    """Let a generator draw what a seed alone decides, whatever it has drawn before."""
    state.assign([0, seed])


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Let what Keras draws meanwhile depend on a seed alone, whatever seeds its callers hold.

    An initializer's first draw is the one that it makes when it is given this seed.
    """
    plain, count = keras_random.draw_seed, itertools.count()

    def draw_seed(_: Any) -> tf.Tensor:
        return keras.ops.convert_to_tensor([seed, next(count)], dtype="int32")

    keras_random.draw_seed = draw_seed
    try:
        yield
    finally:
        keras_random.draw_seed = plain
