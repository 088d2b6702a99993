"""What we use of Keras that it does not document: here alone, and a contract test says what it is.

A new Keras that changes one of these fails in `tests/contract/test_private_keras.py`, by name.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def layers_of(model: keras.Model) -> list[keras.Layer]:
    """Return every layer of a model, those within its models and layers included, once each."""
    return list(model._flatten_layers(include_self=False))


def batch_moments(
    layer: keras.layers.BatchNormalization, inputs: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the mean and biased variance that Keras's layer normalizes a batch by.

    Both have the length of the layer's axis.
    """
    mean, variance = layer._moments(inputs, None)
    return mean, variance


def restart_generator(generator: keras.random.SeedGenerator, seed: Any) -> None:
    """Let a generator draw what a seed alone decides, whatever it has drawn before."""
    generator.state.assign([0, seed])
