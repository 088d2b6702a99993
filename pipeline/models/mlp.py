"""A multilayer perceptron: dense layers, each with a norm and an activation, then the outputs."""

from __future__ import annotations

import keras
from keras import layers

from pipeline.models.norms import Norm


def build(
    shape: tuple[int, ...],
    outputs: int,
    norm: Norm,
    *,
    width: int,
    depth: int,
    taper: float,
    activation: str,
    initializer: str,
    use_bias: bool,
    input_scale: float,
) -> keras.Model:
    """Return a model from examples of any shape to so many outputs.

    Layer i of `depth` has `width` * `taper`^i units. `use_bias` concerns the
    layers in front of a norm; the outputs always have a bias. Examples are multiplied
    by `input_scale`, unless it is 1. The last layer is called `logits` whatever the
    task: by its name its weights are seeded.
    """
    inputs = keras.Input(shape, name="examples")
    x = inputs if input_scale == 1 else layers.Rescaling(input_scale, name="input_scale")(inputs)
    x = layers.Flatten(name="flatten")(x)
    for i in range(depth):
        x = layers.Dense(
            max(1, round(width * taper**i)),
            kernel_initializer=initializer,
            use_bias=use_bias,
            name=f"dense_{i}",
        )(x)
        x = norm(x, name=f"norm_{i}", activation=activation)
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="mlp")
