"""A recurrence with norms inside it: LSTM or GRU, the formula of Keras's cell, a step at a time.

Ba, Kiros and Hinton, "Layer Normalization" (2016); Cooijmans et al., "Recurrent Batch
Normalization" (2017). To load a saved model of it, import this module first.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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
        """Make the weights for sequences of shape (batch, steps, units)."""
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

    def call(self, x: Any, step: int, training: bool | None = None) -> Any:
        """Normalize what stands at a time step, shape (batch, units)."""
        if training and self.trainable:
            mean, variance = ops.moments(x, axes=0)
            _follow(self.moving_mean, step, mean, self.momentum)
            _follow(self.moving_variance, step, variance, self.momentum)
        else:
            mean, variance = self.moving_mean[step], self.moving_variance[step]
        return ops.batch_normalization(
            x, mean, variance, axis=-1, offset=self.beta, scale=self.gamma, epsilon=self.epsilon
        )


def _follow(averages: keras.Variable, step: int, value: Any, momentum: float) -> None:
    """Blend a step's statistics into its row of the averages, shape (steps, units)."""
    row = averages[step] * momentum + value * (1.0 - momentum)
    averages.assign(ops.slice_update(averages, (step, 0), row[None]))


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
        """Make the weights for sequences of shape (batch, steps, features)."""
        steps = input_shape[1]
        self.cell.build((input_shape[0], input_shape[2]))
        gates = self.cell.recurrent_kernel.shape[1]
        widths = (gates, gates, self.cell.units)
        for norm, width in zip(self._norms(), widths, strict=False):
            per_step = isinstance(norm, StepBatchNormalization)
            norm.build((None, steps, width) if per_step else (None, width))

    def call(self, x: Any) -> Any:
        """Return what comes out at each step, shape (batch, steps, units)."""
        projected = ops.matmul(x, self.cell.kernel)
        output = state = ops.zeros((ops.shape(x)[0], self.cell.units), x.dtype)
        long_short = isinstance(self.cell, keras.layers.LSTMCell)
        outputs = []
        for step in range(x.shape[1]):
            given = _normalized(self.input_norm, projected[:, step], step)
            kept = ops.matmul(output, self.cell.recurrent_kernel)
            kept = _normalized(self.state_norm, kept, step)
            if long_short:
                output, state = self._lstm(given + kept, state, step)
            else:
                output = self._gru(given, kept, output)
            outputs.append(output)
        return ops.stack(outputs, axis=1)

    def _lstm(self, gates: Any, state: Any, step: int) -> tuple[Any, Any]:
        if self.cell.bias is not None:
            gates = gates + self.cell.bias
        entry, forget, candidate, exit_ = ops.split(gates, 4, axis=1)
        state = ops.sigmoid(forget) * state + ops.sigmoid(entry) * ops.tanh(candidate)
        shown = _normalized(self.cell_norm, state, step)
        return ops.sigmoid(exit_) * ops.tanh(shown), state

    def _gru(self, given: Any, kept: Any, output: Any) -> Any:
        if self.cell.bias is not None:
            given, kept = given + self.cell.bias[0], kept + self.cell.bias[1]
        update, reset, candidate = ops.split(given, 3, axis=1)
        of_update, of_reset, of_candidate = ops.split(kept, 3, axis=1)
        update = ops.sigmoid(update + of_update)
        candidate = ops.tanh(candidate + ops.sigmoid(reset + of_reset) * of_candidate)
        return update * output + (1.0 - update) * candidate

    def _norms(self) -> list[keras.layers.Layer]:
        norms = (self.input_norm, self.state_norm, self.cell_norm)
        return [norm for norm in norms if norm is not None]


def _normalized(norm: keras.layers.Layer, x: Any, step: int) -> Any:
    return norm(x, step=step) if isinstance(norm, StepBatchNormalization) else norm(x)
