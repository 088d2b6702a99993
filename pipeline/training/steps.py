"""One optimizer step in a compiled epoch: TensorFlow's kernels where they are Keras's formula.

A step reads its learning rate and weight decay from variables. Adam and
gradient descent go to one kernel per weight; every other optimizer, and every
argument the kernels do not know, goes through Keras's own class.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from pipeline.components import build, resolve
from pipeline.errors import Refusal
from pipeline.records import Component

RAW_ARGUMENTS = {
    "keras.optimizers.Adam": {"beta_1", "beta_2", "epsilon"},
    "keras.optimizers.SGD": {"momentum", "nesterov"},
}
RUNTIME = {"learning_rate", "weight_decay"}


class Step(Protocol):
    """Changes weights by their gradients; `set` gives it other numbers."""

    kernel: str

    @property
    def variables(self) -> list[tf.Variable]:
        """What steps change, beside the weights."""

    def set(self, optimizer: Component) -> None:
        """Take the optimizer's learning rate and weight decay."""

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the loss whose gradients `apply` takes."""

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph that is being traced."""


def step(optimizer: Component, weights: Sequence[keras.Variable], decayed: Sequence[bool]) -> Step:
    """Return the step of an optimizer over weights.

    Args:
        optimizer: Its class and arguments.
        weights: The trainable weights, in the order gradients will come.
        decayed: For each weight, whether weight decay, if any, applies to it.
    """
    plain = all(weight.dtype == "float32" and not weight.constraint for weight in weights)
    kind = KernelStep if raw(optimizer) and plain else KerasStep
    return kind(optimizer, weights, decayed)


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


@dataclass(frozen=True)
class Kernel:
    """A TensorFlow operation that updates one weight.

    Attributes:
        name: The operation.
        slots: How many variables of a weight's shape it keeps beside the weight.
        at: Given the number of this step (from 1) and the rate, returns what
            updates one weight: `update(weight, slots, gradient)`.
    """

    name: str
    slots: int
    at: Callable[[tf.Tensor, tf.Tensor], Callable[[Any, Sequence[Any], tf.Tensor], Any]]


def _kernel(optimizer: Component) -> Kernel:
    arguments = optimizer.arguments
    if optimizer.target == "keras.optimizers.Adam":
        return _adam(*(_number(arguments[name]) for name in ("beta_1", "beta_2", "epsilon")))
    momentum = _number(arguments["momentum"])
    return _momentum(momentum, nesterov=bool(arguments["nesterov"])) if momentum else _descent()


def _number(value: Any) -> float:
    return float(value)


def _adam(first: float, second: float, epsilon: float) -> Kernel:
    def at(done: tf.Tensor, rate: tf.Tensor) -> Any:
        powers = tf.pow(np.float32(first), done), tf.pow(np.float32(second), done)
        return lambda weight, slots, gradient: tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=slots[0].handle,
            v=slots[1].handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=first,
            beta2=second,
            epsilon=epsilon,
            grad=gradient,
        )

    return Kernel("ResourceApplyAdam", 2, at)


def _momentum(momentum: float, *, nesterov: bool) -> Kernel:
    def at(_: tf.Tensor, rate: tf.Tensor) -> Any:
        return lambda weight, slots, gradient: tf.raw_ops.ResourceApplyKerasMomentum(
            var=weight.handle,
            accum=slots[0].handle,
            lr=rate,
            grad=gradient,
            momentum=momentum,
            use_nesterov=nesterov,
        )

    return Kernel("ResourceApplyKerasMomentum", 1, at)


def _descent() -> Kernel:
    def at(_: tf.Tensor, rate: tf.Tensor) -> Any:
        return lambda weight, _, gradient: tf.raw_ops.ResourceApplyGradientDescent(
            var=weight.handle, alpha=rate, delta=gradient
        )

    return Kernel("ResourceApplyGradientDescent", 0, at)


class KernelStep:
    """Adam or gradient descent: Keras's formula, one operation per weight."""

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        kernel = _kernel(optimizer)
        self.kernel = kernel.name
        self._at = kernel.at
        self._rates = Rates(optimizer, weights, decayed)
        self._weights = [weight.value for weight in weights]
        self._slots = [
            [tf.Variable(tf.zeros_like(weight)) for _ in range(kernel.slots)]
            for weight in self._weights
        ]
        self._done = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """What steps change, beside the weights."""
        return [self._done, *itertools.chain.from_iterable(self._slots)]

    def set(self, optimizer: Component) -> None:
        """Take the optimizer's numbers."""
        self._rates.set(optimizer)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the loss as it is."""
        return loss

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph."""
        rate = self._rates.learning_rate.read_value()
        self._rates.decay(rate)
        update = self._at(tf.cast(self._done.assign_add(1), tf.float32), rate)
        for weight, slots, gradient in zip(self._weights, self._slots, gradients, strict=True):
            if gradient is not None:
                update(weight, slots, gradient)


class KerasStep:
    """Any optimizer and weights of any precision, by Keras's own class.

    Its numbers other than rate and weight decay belong to the graph.
    """

    kernel = "keras"

    def __init__(
        self,
        optimizer: Component,
        weights: Sequence[keras.Variable],
        decayed: Sequence[bool],
    ) -> None:
        self._optimizer = keras_optimizer(optimizer, weights, decayed)
        self._weight_decay = tf.Variable(0.0, trainable=False, dtype=tf.float64)
        if self._optimizer.weight_decay is not None:
            self._optimizer.weight_decay = self._weight_decay
        self._weights = list(weights)
        self._optimizer.build(self._weights)

    @property
    def variables(self) -> list[tf.Variable]:
        """What steps change, beside the weights."""
        return [variable.value for variable in self._optimizer.variables]

    def set(self, optimizer: Component) -> None:
        """Take rate and weight decay."""
        self._optimizer.learning_rate = optimizer.arguments["learning_rate"]
        self._weight_decay.assign(optimizer.arguments.get("weight_decay") or 0.0)

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the loss times the optimizer's scale, by which it divides gradients."""
        return self._optimizer.scale_loss(loss)

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Add one step to the graph."""
        self._optimizer.apply(list(gradients), self._weights)


def keras_optimizer(
    optimizer: Component, weights: Sequence[keras.Variable], decayed: Sequence[bool]
) -> Any:
    """Return Keras's optimizer, told which weights not to decay.

    Raises:
        Refusal: It is no optimizer, does not take its arguments, or asks for what `fit` does
            once training is over.
    """
    kind = resolve(optimizer.target)
    if not (inspect.isclass(kind) and issubclass(kind, keras.optimizers.Optimizer)):
        raise Refusal(f"{optimizer.target}: is no subclass of keras.optimizers.Optimizer")
    if optimizer.arguments.get("use_ema"):
        raise Refusal(
            "optimizer.use_ema: Keras puts the averaged weights in place when training is over, "
            "but here each epoch is evaluated; leave it out"
        )
    made = build(optimizer)
    spared = [weight for weight, wanted in zip(weights, decayed, strict=True) if not wanted]
    if spared and made.weight_decay is not None:
        made.exclude_from_weight_decay(var_list=spared)
    return made
