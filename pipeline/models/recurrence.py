"""A recurrence with norms inside it: LSTM or GRU, the formula of Keras's cell, a step at a time.

Ba, Kiros and Hinton, "Layer Normalization" (2016); Cooijmans et al., "Recurrent Batch
Normalization" (2017). To load a saved model of it, import this module first.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from pipeline.errors import Refusal


@keras.saving.register_keras_serializable(package="normbench")
class StepBatchNormalization(keras.layers.Layer):
    """Batch normalization within a recurrence: statistics of each time step, one gamma and beta.

    Gamma starts at a tenth: at 1, tanh would be saturated from the start and gradients
    would vanish over the steps (Cooijmans et al., 2017).

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self, *, momentum: float, epsilon: float, gamma: float, center: bool, **more: Any
    ) -> None:
        super().__init__(**more)
        if not (0 <= momentum < 1 and epsilon > 0 and gamma >= 0):
            raise ValueError("momentum must be in [0, 1), epsilon above 0, gamma at least 0")
        self.momentum = momentum
        self.epsilon = epsilon
        self.first_gamma = gamma
        self.center = center

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        own = {"momentum": self.momentum, "epsilon": self.epsilon, "center": self.center}
        return {**super().get_config(), **own, "gamma": self.first_gamma}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for sequences of shape (batch, steps, units).

        Raises:
            Refusal: They are none.
        """
        if len(input_shape) != 3:
            raise Refusal(
                f"{type(self).__name__}: takes sequences (batch, steps, units), not {input_shape}"
            )
        _, steps, units = input_shape
        start = keras.initializers.Constant(self.first_gamma)
        self.gamma = self.add_weight(shape=(units,), initializer=start, name="gamma")
        self.beta = None
        if self.center:
            self.beta = self.add_weight(shape=(units,), initializer="zeros", name="beta")
        self.moving_mean, self.moving_variance = (
            self.add_weight((steps, units), initializer, trainable=False, name=f"moving_{name}")
            for name, initializer in (("mean", "zeros"), ("variance", "ones"))
        )

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Normalize sequences of shape (batch, steps, units), each step by itself."""
        by_batch = bool(training) and self.trainable
        mean, variance = ops.moments(x, axes=0) if by_batch else self.averages
        if by_batch:
            self.follow(mean, variance)
        return self.normalized(x, mean, variance)

    @property
    def averages(self) -> tuple[Any, Any]:
        """Moving mean and variance, each of shape (steps, units)."""
        return self.moving_mean, self.moving_variance

    def normalized(self, x: Any, mean: Any, variance: Any) -> Any:
        """Return x less its mean, over its deviation, times gamma, and beta."""
        factor = ops.rsqrt(variance + self.epsilon) * self.gamma
        shift = -mean * factor
        return x * factor + (shift if self.beta is None else self.beta + shift)

    def follow(self, mean: Any, variance: Any) -> None:
        """Blend a batch's statistics into the averages."""
        for average, value in zip(self.averages, (mean, variance), strict=True):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))


class _Walk:
    """A norm that goes along the steps of a sequence, as a function of what stands at each."""

    def __init__(self, norm: keras.layers.Layer, *, training: bool) -> None:
        self._norm = norm
        self._per_step = isinstance(norm, StepBatchNormalization)
        self._by_batch = training and norm.trainable
        self._seen: list[tuple[Any, Any]] = []

    def __call__(self, x: Any) -> Any:
        """Return the next step's values, shape (batch, units), normalized."""
        if not self._per_step:
            return self._norm(x)
        step = len(self._seen)
        averages = (each[step] for each in self._norm.averages)
        mean, variance = ops.moments(x, axes=0) if self._by_batch else averages
        self._seen.append((mean, variance))
        return self._norm.normalized(x, mean, variance)

    def end(self) -> None:
        """Let the moving averages know what was seen."""
        if self._per_step and self._by_batch:
            self._norm.follow(*(ops.stack(each) for each in zip(*self._seen, strict=True)))


@keras.saving.register_keras_serializable(package="normbench")
class NormalizedRecurrence(keras.layers.Layer):
    """Keras's LSTM or GRU cell over a sequence, with norms inside.

    What comes from the input and what comes from the state is normalized each by itself before
    they are added; an LSTM's cell state on its way to the output. Norms other than
    `StepBatchNormalization` are the same at all steps.

    Args:
        cell: An `LSTMCell`, or a `GRUCell` with `reset_after`.
        input_norm: Of the input's product with the kernel.
        state_norm: Of the state's product with the recurrent kernel.
        cell_norm: Of an LSTM's cell state; None for a GRU.
    """

    recurrence = "steps"  # its kernel's name in a result

    def __init__(
        self,
        *,
        cell: keras.layers.Layer,
        input_norm: keras.layers.Layer,
        state_norm: keras.layers.Layer,
        cell_norm: keras.layers.Layer | None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.cell = cell
        self.input_norm = input_norm
        self.state_norm = state_norm
        self.cell_norm = cell_norm

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        names = ("cell", "input_norm", "state_norm", "cell_norm")
        own = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NormalizedRecurrence:
        """Return the layer that has these arguments."""
        deserialized = keras.saving.deserialize_keras_object
        return cls(
            **{
                name: deserialized(value) if name.endswith(("cell", "_norm")) else value
                for name, value in config.items()
            }
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for sequences of shape (batch, steps, features).

        Layers of a saved model are built already.
        """
        _, steps, features = input_shape
        if not self.cell.built:
            self.cell.build((None, features))
        gates = self.cell.recurrent_kernel.shape[1]
        for norm, width in (
            (self.input_norm, gates),
            (self.state_norm, gates),
            (self.cell_norm, self.cell.units),
        ):
            if norm is not None and not norm.built:
                per_step = isinstance(norm, StepBatchNormalization)
                norm.build((None, steps, width) if per_step else (None, width))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Return what comes out at each step, shape (batch, steps, units)."""
        given = ops.unstack(self._given(ops.matmul(x, self.cell.kernel)), axis=1)
        of_state, of_cell = (
            norm and _Walk(norm, training=bool(training))
            for norm in (self.state_norm, self.cell_norm)
        )
        output = state = ops.zeros((ops.shape(x)[0], self.cell.units), x.dtype)
        outputs = []
        for entering in given:
            kept = of_state(ops.matmul(output, self.cell.recurrent_kernel))
            if of_cell is None:
                output = self._gru(entering, kept, output)
            else:
                output, state = self._lstm(entering + kept, state, of_cell)
            outputs.append(output)
        for walk in filter(None, (of_state, of_cell)):
            walk.end()
        return ops.stack(outputs, axis=1)

    def _given(self, projected: Any) -> Any:
        """Normalize what comes from the input, shape (batch, steps, gates), each step by itself."""
        if isinstance(self.input_norm, StepBatchNormalization):
            return self.input_norm(projected)
        _, steps, gates = projected.shape
        single = ops.reshape(projected, (-1, gates))
        return ops.reshape(self.input_norm(single), (-1, steps, gates))

    def _lstm(self, gates: Any, state: Any, of_cell: _Walk) -> tuple[Any, Any]:
        if self.cell.bias is not None:
            gates = gates + self.cell.bias
        entry, forget, candidate, exit_ = ops.split(gates, 4, axis=1)
        state = ops.sigmoid(forget) * state + ops.sigmoid(entry) * ops.tanh(candidate)
        return ops.sigmoid(exit_) * ops.tanh(of_cell(state)), state

    def _gru(self, given: Any, kept: Any, output: Any) -> Any:
        if self.cell.bias is not None:
            given, kept = given + self.cell.bias[0], kept + self.cell.bias[1]
        update, reset, candidate = ops.split(given, 3, axis=1)
        of_update, of_reset, of_candidate = ops.split(kept, 3, axis=1)
        update = ops.sigmoid(update + of_update)
        candidate = ops.tanh(candidate + ops.sigmoid(reset + of_reset) * of_candidate)
        return update * output + (1.0 - update) * candidate
