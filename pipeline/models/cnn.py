"""A small convolutional network: convolution, norm, activation, pooling; then dense."""

from __future__ import annotations

import keras
from keras import layers

from pipeline.errors import Refusal
from pipeline.models.norms import Norm


def build(
    shape: tuple[int, ...],
    outputs: int,
    norm: Norm,
    *,
    width: int,
    depth: int,
    growth: float,
    kernel_size: int,
    dense: int,
    activation: str,
    initializer: str,
    use_bias: bool,
    input_scale: float,
) -> keras.Model:
    """Return a model from pictures of `shape` (h, w, c) to so many outputs.

    Block i of `depth` has `width` * `growth`^i filters and halves height and
    width. `use_bias` concerns the layers in front of a norm; the outputs always
    have a bias. Pictures are multiplied by `input_scale`, unless it is 1. The last
    layer is called `logits` whatever the task: by its name its weights are seeded.

    Raises:
        Refusal: The examples are no pictures.
    """
    if len(shape) != 3:
        raise Refusal(
            f"model=cnn: takes pictures (h, w, c), and these examples are of shape {shape}; "
            "use model=mlp"
        )
    inputs = keras.Input(shape, name="examples")
    x = inputs if input_scale == 1 else layers.Rescaling(input_scale, name="input_scale")(inputs)
    for i in range(depth):
        x = layers.Conv2D(
            max(1, round(width * growth**i)),
            kernel_size,
            padding="same",
            kernel_initializer=initializer,
            use_bias=use_bias,
            name=f"conv_{i}",
        )(x)
        x = norm(x, name=f"norm_{i}", activation=activation)
        x = layers.MaxPooling2D(padding="same", name=f"pool_{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dense, kernel_initializer=initializer, use_bias=use_bias, name="dense")(x)
    x = norm(x, name=f"norm_{depth}", activation=activation)
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="cnn")
