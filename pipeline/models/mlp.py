"""A multilayer perceptron: dense layers, each with a norm and an activation, then the logits."""

from __future__ import annotations

import keras
from keras import layers

from pipeline.models.norms import Norm


def build(
    shape: tuple[int, ...],
    classes: int,
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
    """Return a model from images of `shape` (h, w, c) to `classes` logits.

    Layer i of `depth` has `width` * `taper`^i units. `use_bias` concerns the
    layers in front of a norm; the logits always have a bias. Images are multiplied
    by `input_scale`, unless it is 1.
    """
    inputs = keras.Input(shape, name="images")
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
    logits = layers.Dense(classes, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, logits, name="mlp")
