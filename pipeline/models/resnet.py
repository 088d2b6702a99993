"""A residual network for small pictures: three stages of blocks of two convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from keras import layers

from pipeline.errors import Refusal
from pipeline.models.norms import Norm

STAGES = 3


def build(
    shape: tuple[int, ...],
    outputs: int,
    norm: Norm,
    *,
    width: int,
    depth: int,
    preactivation: bool,
    skips: bool,
    scaled_branches: bool,
    zero_gamma: bool,
    activation: str,
    initializer: str,
    use_bias: bool,
    input_scale: float,
) -> keras.Model:
    """Return a model from pictures of `shape` (h, w, c) to so many outputs.

    The network that He et al. ("Deep Residual Learning", 2016) train on CIFAR-10: `depth` counts
    the convolutions on the longest way and the outputs, so that each of three stages has
    (depth - 2) / 6 blocks. The first has `width` filters; the second and the third halve
    height and width and double the filters. `use_bias` concerns the convolutions;
    the outputs always have a bias. Pictures are multiplied by `input_scale`, unless
    it is 1. The last layer is called `logits` whatever the task: by its name its weights
    are seeded. All else is said at `Block`.

    Raises:
        Refusal: The examples are no pictures, no such network has this depth, or a gamma of
            0 would let nothing through.
    """
    _check(shape, depth, zero_gamma=zero_gamma, starts_open=skips and not preactivation)
    convolution = partial(
        layers.Conv2D, padding="same", kernel_initializer=initializer, use_bias=use_bias
    )
    blocks = (depth - 2) // (2 * STAGES)
    scale = (STAGES * blocks) ** -0.5 if scaled_branches else 1.0
    block = Block(convolution, norm, activation, preactivation, skips, scale, zero_gamma)

    inputs = keras.Input(shape, name="examples")
    x = inputs if input_scale == 1 else layers.Rescaling(input_scale, name="input_scale")(inputs)
    x = convolution(width, 3, name="stem")(x)
    if not preactivation:
        x = norm(x, name="stem_norm", activation=activation)
    for stage in range(STAGES):
        for i in range(blocks):
            strides = 2 if stage and not i else 1
            x = block(x, width * 2**stage, strides, f"block_{stage}_{i}")
    if preactivation:
        x = norm(x, name="last_norm", activation=activation)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="resnet")


@dataclass(frozen=True)
class Block:
    """Two convolutions, added to what they were given; where that has another shape, to a third.

    Attributes:
        convolution: Makes a layer of filters and size; its strides and name are told, too.
        norm: The arm, called for every convolution.
        activation: By Keras's name.
        preactivation: Norm and activation stand in front of a convolution (He et al., "Identity
            Mappings", 2016); else behind it, and the block's last activation behind the sum.
        skips: False for the plain twin, which adds nothing.
        scale: Of what is added. Below the root of the number of blocks, the second moment of a
            net without norm would double with each of them.
        zero_gamma: Whether the last norm's gamma starts at 0, where it has one: the block starts
            as its shortcut (Goyal et al., "Accurate, Large Minibatch SGD", 2017).
    """

    convolution: Callable[..., layers.Conv2D]
    norm: Norm
    activation: str
    preactivation: bool
    skips: bool
    scale: float
    zero_gamma: bool

    def __call__(self, x: Any, filters: int, strides: int, name: str) -> Any:
        """Return the block's output for x, of `filters` channels, its sides over `strides`."""
        make = self._preactivated if self.preactivation else self._postactivated
        shortcut, branch = make(x, filters, strides, name)
        if self.skips:
            if self.scale != 1:
                branch = layers.Rescaling(self.scale, name=f"{name}_scale")(branch)
            branch = layers.Add(name=f"{name}_sum")([shortcut, branch])
        if self.preactivation:
            return branch
        return layers.Activation(self.activation, name=f"{name}_activation")(branch)

    def _preactivated(self, x: Any, filters: int, strides: int, name: str) -> tuple[Any, Any]:
        y = self.norm(x, name=f"{name}_norm_0", activation=self.activation)
        shortcut = x
        if self._projects(x, filters, strides):
            shortcut = self._projection(filters, strides, name)(y)
        y = self.convolution(filters, 3, strides=strides, name=f"{name}_conv_0")(y)
        y = self.norm(y, name=f"{name}_norm_1", activation=self.activation)
        return shortcut, self.convolution(filters, 3, name=f"{name}_conv_1")(y)

    def _postactivated(self, x: Any, filters: int, strides: int, name: str) -> tuple[Any, Any]:
        shortcut = x
        if self._projects(x, filters, strides):
            shortcut = self._projection(filters, strides, name)(x)
            shortcut = self.norm(shortcut, name=f"{name}_shortcut_norm")
        y = self.convolution(filters, 3, strides=strides, name=f"{name}_conv_0")(x)
        y = self.norm(y, name=f"{name}_norm_0", activation=self.activation)
        y = self.convolution(filters, 3, name=f"{name}_conv_1")(y)
        return shortcut, self.norm(y, name=f"{name}_norm_1", zero_gamma=self.zero_gamma)

    def _projects(self, x: Any, filters: int, strides: int) -> bool:
        return self.skips and (strides, filters) != (1, x.shape[-1])

    def _projection(self, filters: int, strides: int, name: str) -> layers.Conv2D:
        return self.convolution(filters, 1, strides=strides, name=f"{name}_shortcut")


def _check(shape: tuple[int, ...], depth: int, *, zero_gamma: bool, starts_open: bool) -> None:
    if len(shape) != 3:
        raise Refusal(
            f"model=resnet: takes pictures (h, w, c), and these examples are of shape {shape}; "
            "use model=mlp"
        )
    if depth < 8 or (depth - 2) % (2 * STAGES):
        raise Refusal(f"model.depth={depth}: must be 6n + 2, such as 8, 14, 20 or 32")
    if zero_gamma and not starts_open:
        raise Refusal(
            "model.zero_gamma=true: would let nothing through, no gradient either, where an "
            "activation follows the norm; it needs preactivation=false and skips=true"
        )
