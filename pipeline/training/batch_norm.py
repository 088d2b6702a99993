"""Keras's batch normalization with its numbers as inputs, on the fused kernel where it fits.

Momentum, and epsilon off the fused kernel, are read from variables, so that one
compiled graph serves every trial. Moving averages for other momenta can be
carried along: momentum never affects training, so the comparison is free.

The fused kernel (FusedBatchNormV3) takes channels-last images. It returns the
unbiased variance, times (n - 1) / n gives Keras's; its epsilon is an attribute
and belongs to the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.training.private_keras import batch_moments

SMALLEST_FUSED_EPSILON = 1.001e-5  # some fused kernels refuse less
HALF_OR_SINGLE = ("float16", "bfloat16", "float32", tf.float16, tf.bfloat16, tf.float32)


class Averages:
    """One layer's momenta as variables, and its moving averages for each further momentum.

    Kept in a plain object, so that Keras does not take them for weights.
    """

    def __init__(self, momentum: float, epsilon: float, shadows: Sequence[float]) -> None:
        self.momentum = tf.Variable(0.0, trainable=False)
        self.complement = tf.Variable(0.0, trainable=False)
        self.epsilon = tf.Variable(0.0, trainable=False)
        self.shadows = np.asarray(shadows, np.float64).reshape(-1, 1)
        self.means: tf.Variable | None = None
        self.variances: tf.Variable | None = None
        self.set(momentum, epsilon)

    def set(self, momentum: float, epsilon: float) -> None:
        """Take other numbers; 1 - momentum in double precision, as Keras has it in Python."""
        self.momentum.assign(np.float32(momentum))
        self.complement.assign(np.float32(1.0 - momentum))
        self.epsilon.assign(np.float32(epsilon))

    def take_all(self) -> None:
        """Let a batch's statistics take the averages' place: momentum 0."""
        self.momentum.assign(0.0)
        self.complement.assign(1.0)

    @property
    def variables(self) -> list[tf.Variable]:
        """What training or another momentum changes: all but epsilon."""
        averages = (self.means, self.variances)
        return [self.momentum, self.complement, *(each for each in averages if each is not None)]

    def build(self, channels: int) -> None:
        """Make the averages of the further momenta, shape (momenta, channels)."""
        shape = (len(self.shadows), channels)
        self.means = tf.Variable(tf.zeros(shape), trainable=False)
        self.variances = tf.Variable(tf.ones(shape), trainable=False)

    def restart(self, mean: Any, variance: Any) -> None:
        """Start the further averages where the layer's own start, shape (channels,)."""
        if len(self.shadows) and self.means is not None and self.variances is not None:
            self.means.assign(tf.broadcast_to(mean, self.means.shape))
            self.variances.assign(tf.broadcast_to(variance, self.variances.shape))

    def lend(self, place: int, mean: Any, variance: Any) -> None:
        """Copy the averages of one further momentum into a layer's variables."""
        if self.means is not None and self.variances is not None:
            mean.assign(self.means[place])
            variance.assign(self.variances[place])

    def follow(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Blend a batch's statistics, shape (channels,), into the further averages."""
        if not len(self.shadows) or self.means is None or self.variances is None:
            return
        keep = tf.constant(self.shadows, tf.float32)
        take = tf.constant(1.0 - self.shadows, tf.float32)
        self.means.assign(self.means * keep + mean * take)
        self.variances.assign(self.variances * keep + variance * take)


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer: same arguments, same weights, same numbers to rounding.

    Off the fused kernel, to the last bit. `shadows` are further momenta whose
    averages are carried along.
    """

    def __init__(self, *, shadows: Sequence[float] = (), **arguments: Any) -> None:
        super().__init__(**arguments)
        self.averages = Averages(self.momentum, self.epsilon, shadows)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make Keras's weights and the further averages."""
        super().build(input_shape)
        self.averages.build(input_shape[self.axis])

    def fused(self, inputs: Any) -> bool:
        """Tell whether inputs go to the fused kernel: images, channels last, a large epsilon."""
        return (
            len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype in HALF_OR_SINGLE
            and self.epsilon > SMALLEST_FUSED_EPSILON
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize; in training by the batch, else by the moving averages."""
        if self.renorm or self.synchronized or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        batchwise = bool(training) and self.trainable
        normalize = self._on_the_kernel if self.fused(inputs) else self._by_formula
        single = tf.convert_to_tensor(inputs)
        if single.dtype in HALF_OR_SINGLE:  # as Keras does, half precision would overflow
            single = tf.cast(single, tf.float32)
        outputs, mean, variance = normalize(single, batchwise)
        if batchwise:
            averages = self.averages
            self.moving_mean.assign(
                self.moving_mean * averages.momentum + mean * averages.complement
            )
            self.moving_variance.assign(
                self.moving_variance * averages.momentum + variance * averages.complement
            )
            averages.follow(mean, variance)
        return tf.cast(outputs, self.compute_dtype)

    def _on_the_kernel(
        self, inputs: tf.Tensor, batchwise: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        channels = inputs.shape[-1]
        none = tf.zeros([0])
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma if self.scale else tf.ones([channels]),
            offset=self.beta if self.center else tf.zeros([channels]),
            mean=none if batchwise else self.moving_mean,
            variance=none if batchwise else self.moving_variance,
            epsilon=self.epsilon,
            is_training=batchwise,
        )
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        biased = tf.stop_gradient(variance) * ((count - 1.0) / count)
        return outputs, tf.stop_gradient(mean), biased

    def _by_formula(
        self, inputs: tf.Tensor, batchwise: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        if batchwise:
            ours = inputs.dtype == tf.float32 and self.axis in (-1, len(inputs.shape) - 1)
            mean, variance = moments(inputs) if ours else batch_moments(self, inputs)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        outputs = keras.ops.batch_normalization(
            x=inputs,
            mean=mean,
            variance=variance,
            axis=self.axis,
            offset=self.beta if self.center else None,
            scale=self.gamma if self.scale else None,
            epsilon=self.averages.epsilon,
        )
        return outputs, mean, variance


def moments(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and biased variance of each channel, to the last bit Keras's `ops.moments`.

    So are their gradients, without the arithmetic that TensorFlow adds to a step to find
    out over how many values a mean goes.

    Args:
        values: Shape (..., channels), float32.

    Returns:
        Two tensors of shape (channels,).
    """
    count = tf.cast(tf.size(values) // values.shape[-1], tf.float32)
    axes = list(range(len(values.shape) - 1))

    @tf.custom_gradient
    def mean_of(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.broadcast_to(upstream / count, tf.shape(values))

        return tf.reduce_mean(values, axes), gradient

    mean = mean_of(values)
    return mean, mean_of(tf.math.squared_difference(values, tf.stop_gradient(mean)))
