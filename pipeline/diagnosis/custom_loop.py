"""A training loop of one's own that does what Keras's `fit` does, to the last bit.

Batch normalization knows from `training` alone whether it normalizes by batch and moves its
averages, or normalizes by them. So a loop of one's own passes it, and passes the right one:

    step = train_step(model, optimizer, loss)
    validate = validation_step(model, loss)
    for x, y in batches:
        step(x, y)
    losses = [validate(x, y) for x, y in validation_batches]

Three mistakes are made again and again; `diagnose` tells each by its code.

1. `model(x, training=False)` in the training step: the averages never move, and training
   normalizes by mean 0 and variance 1: `averages-at-start`.
2. `model(x)`, where `training` is forgotten: Keras takes it for False outside of `fit`, which is
   the first mistake again: `averages-at-start`.
3. `model(x, training=True)` in the validation step: the averages follow the examples that were
   kept apart: `validation-moves-averages`, from `diagnose(model, x, y, validate=validate)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Step = Callable[[Any, Any], tf.Tensor]


def train_step(model: keras.Model, optimizer: Any, loss: Any) -> Step:
    """Return a compiled function `(x, y) -> loss` that trains a model on one batch.

    Args:
        model: Built.
        optimizer: A Keras optimizer, for this model alone.
        loss: A Keras loss, `(targets, outputs) -> scalar`.
    """
    optimizer.build(model.trainable_variables)

    def step(x: Any, y: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)  # by batch, and the averages move
            value = loss(y, outputs)
            if model.losses:  # of regularizers
                value += keras.ops.sum([keras.ops.sum(each) for each in model.losses])
            scaled = optimizer.scale_loss(value)  # by 1, unless precision is mixed
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    compiled: Step = tf.function(step)
    return compiled


def validation_step(model: keras.Model, loss: Any) -> Step:
    """Return a compiled function `(x, y) -> loss` that changes nothing."""

    def step(x: Any, y: Any) -> tf.Tensor:
        return loss(y, model(x, training=False))  # by the averages, which stay

    compiled: Step = tf.function(step)
    return compiled
