"""The arm at work: a norm factory that a model calls where a norm belongs.

A model writes `x = norm(x, name="norm_1", activation="relu")` and does not
know which arm it is: the factory applies the layer and the activation in the
arm's order, or the activation alone for the plain arm.

A bias in front of a norm follows one rule for every arm, the plain one
included: the layer in front keeps the bias that the model's `use_bias` says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from pipeline.components import build, resolve
from pipeline.errors import Refusal
from pipeline.records import Arm

Norm = Callable[..., Any]


def norm_factory(arm: Arm, make: Callable[..., Any] = build) -> Norm:
    """Return the arm as a function `norm(x, name, activation=None) -> tensor`.

    `make(component, name=...)` makes the arm's layer.

    Each call makes a fresh layer called `name`; the activation layer is called
    `name` with `_activation` behind it. Without an activation, only the norm
    is applied.
    """
    if arm.layer is not None:
        _check_kind(arm.layer.target)

    def norm(x: Any, name: str, activation: str | None = None) -> Any:
        layers = [] if arm.layer is None else [make(arm.layer, name=name)]
        if activation is not None:
            last = keras.layers.Activation(activation, name=f"{name}_activation")
            layers.insert(len(layers) if arm.placement == "before" else 0, last)
        for layer in layers:
            if not isinstance(layer, keras.layers.Layer):
                target = arm.layer.target if arm.layer else ""
                raise Refusal(f"{target}: returned {type(layer).__name__}, not a layer")
            x = layer(x)
        return x

    return norm


def _check_kind(target: str) -> None:
    """Refuse what makes no layer before it is called.

    Raises:
        Refusal: It is a class of another kind, or a function of Keras's, such as `Input`.
    """
    found = resolve(target)
    if inspect.isclass(found):
        is_layer = issubclass(found, keras.layers.Layer) and not issubclass(found, keras.Model)
    else:
        is_layer = not str(getattr(found, "__module__", "")).startswith(("keras", "tensorflow"))
    if not is_layer:
        raise Refusal(
            f"{target}: is no layer; a norm is a subclass of keras.layers.Layer, such as "
            "keras.layers.LayerNormalization, or a function of yours that returns one"
        )
