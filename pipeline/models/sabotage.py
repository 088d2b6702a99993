"""A norm that lets nothing through: the control that must lose.

If a comparison rates it like the arm it stands in for, the comparison is broken.
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
