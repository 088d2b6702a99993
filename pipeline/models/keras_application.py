"""One of Keras's own networks for pictures, with a head in which the arm stands.

The network's own normalization layers are its own: no arm changes them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from inspect import isfunction, ismodule
from pathlib import Path
from typing import Any

import keras
from keras import layers

from pipeline.errors import Refusal, nearest, reason_of
from pipeline.models.norms import Norm

IMAGENET = "imagenet"
MOST = 255.0  # a pixel, as the networks' own preprocessing takes it; here it is 1


def build(
    shape: tuple[int, ...],
    outputs: int,
    norm: Norm,
    *,
    application: str,
    pretrained: str | None,
    frozen_norms: bool,
    side: int | None,
    alpha: float | None,
    dense: int,
    activation: str,
    initializer: str,
    use_bias: bool,
) -> keras.Model:
    """Return a model from pictures of `shape` (h, w, 1 or 3), in [0, 1], to so many outputs.

    The network is called `application`, and what stands in it belongs to it. Its features, averaged
    over the picture, go through `dense` units, the arm's norm and the activation to the
    outputs. `use_bias` concerns the layer in front of the norm; the outputs always have
    a bias. The last layer is called `logits` whatever the task: by its name its weights are
    seeded.

    Args:
        shape: Of an example. Gray pictures become three equal channels.
        outputs: How many numbers the model gives for one.
        norm: The arm.
        application: A function of keras.applications.
        pretrained: None: all weights are drawn; `imagenet`: Keras's own, downloaded; or a file of
            weights of the network without its top.
        frozen_norms: The network's own norms keep gamma and beta. In Keras a batch normalization
            that does not train runs in inference mode, too: by its moving averages, which stay.
        side: Of the square to which pictures are brought; None leaves them as they are.
        alpha: The width of a MobileNet; None for all others.
        dense: Units of the head.
        activation: By Keras's name, of the head.
        initializer: Of the head.
        use_bias: Of the head's layer in front of the norm.

    Raises:
        Refusal: The examples are no such pictures, there is no such network or it does not take
            their size, or its weights cannot be had.
    """
    if len(shape) != 3 or shape[-1] not in (1, 3):
        raise Refusal(
            f"model=keras_application: takes pictures (h, w, 1) or (h, w, 3), and these examples "
            f"are of shape {shape}; use model=mlp"
        )
    make, preprocess = _found(application)
    inputs = keras.Input(shape, name="examples")
    x = inputs
    if side is not None and shape[:2] != (side, side):
        x = layers.Resizing(side, side, name="resizing")(x)
    if shape[-1] == 1:
        x = layers.Concatenate(name="three_channels")([x, x, x])
    x = preprocess(layers.Rescaling(MOST, name="pixels")(x))
    network = _network(make, application, x.shape[1:], pretrained, alpha)
    if frozen_norms:
        for layer in _own_norms(network):
            layer.trainable = False
    x = network(x)
    x = layers.Dense(dense, kernel_initializer=initializer, use_bias=use_bias, name="dense")(x)
    x = norm(x, name="norm", activation=activation)
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="keras_application")


def _found(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return what makes a network, and what its pixels go through first."""
    networks = {key for key, value in vars(keras.applications).items() if isfunction(value)}
    if name not in networks:
        raise Refusal(
            f"model.application={name}: is none of keras.applications{nearest(name, networks)}"
        )
    modules = [value for value in vars(keras.applications).values() if ismodule(value)]
    module = next(each for each in modules if hasattr(each, name))
    return getattr(keras.applications, name), module.preprocess_input


def _network(
    make: Callable[..., Any],
    application: str,
    shape: tuple[int, ...],
    pretrained: str | None,
    alpha: float | None,
) -> keras.Model:
    named = {} if alpha is None else {"alpha": alpha}
    if pretrained not in (None, IMAGENET) and not Path(pretrained).is_file():
        raise Refusal(f"model.pretrained={pretrained}: there is no such file")
    try:
        with redirect_stdout(sys.stderr):  # it tells of downloads; ours is for answers
            return make(
                include_top=False,
                weights=pretrained,
                input_shape=shape,
                pooling="avg",
                name="application",
                **named,
            )
    except Exception as error:  # Keras's, of many kinds: sizes, files, networks
        wanted = re.search(r"https?://\S+/([^\s/:]+)", str(error))
        if pretrained == IMAGENET and wanted:
            raise Refusal(
                f"model.pretrained=imagenet: {application}'s weights are not here and cannot be "
                f"downloaded; put {wanted[1]} into {_kept_in()}"
            ) from error
        raise Refusal(
            f"model.application={application}: does not take this: {reason_of(error)}"
        ) from error


def _kept_in() -> Path:
    """Return the folder in which Keras keeps what it has downloaded."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def _own_norms(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if "Normalization" in type(layer).__name__]
