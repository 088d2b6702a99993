"""One optimizer step in a compiled epoch: TensorFlow's kernels where they are Keras's formula.

A step reads its learning rate and weight decay from variables. Adam and
gradient descent go to one kernel per weight; every other optimizer, and every
argument the kernels do not know, goes through Keras's own class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from pipeline.components import build
from pipeline.records import Component

RAW_ARGUMENTS = {
    "keras.optimizers.Adam": {"beta_1", "beta_2", "epsilon"},
    "keras.optimizers.SGD": {"momentum", "nesterov"},
}
RUNTIME = {"learning_rate", "weight_decay"}


class Step(Protocol):
    """Changes weights by their gradients; `reset` starts it anew with other numbers."""

    kernel: str

    def reset(self, optimizer: Component) -> None:
        """Take the optimizer's learning rate and weight decay; forget what was gathered."""

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph that is being traced."""


def step(optimizer: Component, weights: Sequence[keras.Variable], decayed: Sequence[bool]) -> Step:
    """Return the step of an optimizer over weights.

    Args:
        optimizer: Its class and arguments.
        weights: The trainable weights, in the order gradients will come.
        decayed: For each weight, whether weight decay, if any, applies to it.
    """
    if raw(optimizer) and not any(weight.constraint for weight in weights):
        kind = RawAdam if optimizer.target == "keras.optimizers.Adam" else RawDescent
        return kind(optimizer, weights, decayed)
    return KerasStep(optimizer, weights, decayed)


def raw(optimizer: Component) -> bool:
    """Tell whether the kernels know every argument that the optimizer is given."""
    known = RAW_ARGUMENTS.get(optimizer.target)
    if known is None or not isinstance(optimizer.arguments.get("learning_rate"), float):
        return False
    rest = optimizer.arguments.keys() - known - RUNTIME
    return all(optimizer.arguments[name] in (None, False) for name in rest)


class Rates:
    """Learning rate and weight decay as variables, and the decay itself, as Keras applies it."""

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        self.learning_rate = tf.Variable(0.0, trainable=False)
        self.weight_decay = tf.Variable(0.0, trainable=False)
        pairs = zip(weights, decayed, strict=True)
        decays = optimizer.arguments.get("weight_decay") is not None
        self._decayed = [weight.value for weight, wanted in pairs if wanted and decays]
        self.set(optimizer)

    def set(self, optimizer: Component) -> None:
        """Take an optimizer's numbers."""
        self.learning_rate.assign(np.float32(optimizer.arguments["learning_rate"]))
        self.weight_decay.assign(np.float32(optimizer.arguments.get("weight_decay") or 0.0))

    def decay(self, rate: tf.Tensor) -> None:
        """Shrink the decayed weights, before the step, by weight decay times rate."""
        for weight in self._decayed:
            weight.assign_sub(weight * self.weight_decay * rate)


class RawAdam:
    """Adam by TensorFlow's kernel: Keras's formula, one operation per weight."""

    kernel = "ResourceApplyAdam"

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        self._rates = Rates(optimizer, weights, decayed)
        self._weights = [weight.value for weight in weights]
        self._means = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._squares = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._done = tf.Variable(0, dtype=tf.int64, trainable=False)
        arguments = optimizer.arguments
        self._betas = float(arguments["beta_1"]), float(arguments["beta_2"])  # type: ignore[arg-type]
        self._epsilon = float(arguments["epsilon"])  # type: ignore[arg-type]

    def reset(self, optimizer: Component) -> None:
        """Take the optimizer's numbers; forget the moments."""
        self._rates.set(optimizer)
        self._done.assign(0)
        for slot in (*self._means, *self._squares):
            slot.assign(tf.zeros_like(slot))

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph."""
        rate = self._rates.learning_rate.read_value()
        self._rates.decay(rate)
        done = tf.cast(self._done.assign_add(1), tf.float32)
        first, second = self._betas
        powers = tf.pow(np.float32(first), done), tf.pow(np.float32(second), done)
        for weight, mean, square, gradient in zip(
            self._weights, self._means, self._squares, gradients, strict=True
        ):
            if gradient is not None:
                tf.raw_ops.ResourceApplyAdam(
                    var=weight.handle,
                    m=mean.handle,
                    v=square.handle,
                    beta1_power=powers[0],
                    beta2_power=powers[1],
                    lr=rate,
                    beta1=first,
                    beta2=second,
                    epsilon=self._epsilon,
                    grad=gradient,
                )


class RawDescent:
    """Gradient descent, with or without momentum, by TensorFlow's kernels: Keras's formula."""

    kernel = "ResourceApplyKerasMomentum"

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        self._rates = Rates(optimizer, weights, decayed)
        self._weights = [weight.value for weight in weights]
        self._momentum = float(optimizer.arguments["momentum"])  # type: ignore[arg-type]
        self._nesterov = bool(optimizer.arguments["nesterov"])
        self._speeds = [
            tf.Variable(tf.zeros_like(weight)) for weight in self._weights if self._momentum
        ]
        if not self._momentum:
            self.kernel = "ResourceApplyGradientDescent"

    def reset(self, optimizer: Component) -> None:
        """Take the optimizer's numbers; come to rest."""
        self._rates.set(optimizer)
        for slot in self._speeds:
            slot.assign(tf.zeros_like(slot))

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph."""
        rate = self._rates.learning_rate.read_value()
        self._rates.decay(rate)
        if not self._momentum:
            for weight, gradient in zip(self._weights, gradients, strict=True):
                if gradient is not None:
                    tf.raw_ops.ResourceApplyGradientDescent(
                        var=weight.handle, alpha=rate, delta=gradient
                    )
            return
        for weight, speed, gradient in zip(self._weights, self._speeds, gradients, strict=True):
            if gradient is not None:
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=weight.handle,
                    accum=speed.handle,
                    lr=rate,
                    grad=gradient,
                    momentum=self._momentum,
                    use_nesterov=self._nesterov,
                )


class KerasStep:
    """Any optimizer, by Keras's own class; its numbers other than the rate belong to the graph."""

    kernel = "keras"

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        self._optimizer = keras_optimizer(optimizer, weights, decayed)
        self._weights = list(weights)
        self._optimizer.build(self._weights)
        self._start = [variable.numpy() for variable in self._optimizer.variables]

    def reset(self, optimizer: Component) -> None:
        """Take the optimizer's learning rate; put its variables back to where they started."""
        for variable, value in zip(self._optimizer.variables, self._start, strict=True):
            variable.assign(value)
        self._optimizer.learning_rate = optimizer.arguments["learning_rate"]

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph."""
        self._optimizer.apply(list(gradients), self._weights)


def keras_optimizer(
    optimizer: Component, weights: Sequence[keras.Variable], decayed: Sequence[bool]
) -> Any:
    """Return Keras's optimizer, told which weights not to decay."""
    made = build(optimizer)
    spared = [weight for weight, wanted in zip(weights, decayed, strict=True) if not wanted]
    if spared and made.weight_decay is not None:
        made.exclude_from_weight_decay(var_list=spared)
    return made
