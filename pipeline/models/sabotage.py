"""Norms with a mistake built in.

One lets nothing through: the control that must lose. If a comparison rates it like the arm it
stands in for, the comparison is broken. The other is what a wrong training flag makes of a norm.
"""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="normbench")
class FrozenGammaBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization with a gamma of 0 that never trains.

    Whatever comes in, beta goes out: no gradient reaches the layers in front.
    To load a saved model of it, import this module first.

    Raises:
        ValueError: `scale` is false, so that there is no gamma, or it starts at another value.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        if not self.scale or not isinstance(self.gamma_initializer, keras.initializers.Zeros):
            raise ValueError("scale must be true and gamma_initializer zeros")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make Keras's weights, gamma not for training."""
        super().build(input_shape)
        self.gamma.trainable = False


@keras.saving.register_keras_serializable(package="normbench")
class InferringBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization as it trains when it is called with `training=False`.

    It normalizes by moving averages, and these stay where they start: mean 0, variance 1.
    To load a saved model of it, import this module first.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002
        """Infer, whatever the flag says."""
        return super().call(inputs, training=False, mask=mask)
