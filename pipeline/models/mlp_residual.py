"""A multilayer perceptron with skip connections: the residual twin of `mlp`."""

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
    activation: str,
    initializer: str,
    use_bias: bool,
    input_scale: float,
) -> keras.Model:
    """Return a model from examples of any shape to so many outputs.

    The first of `depth` layers maps to `width` units; each further one is added to what it
    was given, over the root of `depth`: else the second moment of a plain, He-initialized net
    would double with each layer, and the plain arm would fail for that reason (Zhang,
    Dauphin and Ma, "Fixup Initialization", 2019). `use_bias` concerns the layers in front of
    a norm; the outputs always have a bias. Examples are multiplied by `input_scale`,
    unless it is 1. The last layer is called `logits` whatever the task: by its name its
    weights are seeded.
    """
    inputs = keras.Input(shape, name="examples")
    x = inputs if input_scale == 1 else layers.Rescaling(input_scale, name="input_scale")(inputs)
    x = layers.Flatten(name="flatten")(x)
    for i in range(depth):
        y = layers.Dense(
            width, kernel_initializer=initializer, use_bias=use_bias, name=f"dense_{i}"
        )(x)
        y = norm(y, name=f"norm_{i}", activation=activation)
        if i:
            branch = layers.Rescaling(depth**-0.5, name=f"branch_{i}")(y)
            y = layers.Add(name=f"skip_{i}")([x, branch])
        x = y
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="mlp_residual")
