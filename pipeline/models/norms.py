"""The arm at work: a norm factory that a model calls where a norm belongs.

A model writes `x = norm(x, name="norm_1", activation="relu")` and does not
know which arm it is: the factory applies the layer and the activation in the
arm's order, or the activation alone for the plain arm. A model with a
recurrence asks `norm.inside(name)` too, for the layers that stand within it.

A bias in front of a norm follows one rule for every arm, the plain one
included: the layer in front keeps the bias that the model's `use_bias` says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from pipeline.components import build, is_from_library, resolve
from pipeline.errors import Refusal
from pipeline.records import Arm


class Norm:
    """The arm as a function `norm(x, name, activation=None) -> tensor`.

    Each call makes a fresh layer called `name`; the activation layer is called
    `name` with `_activation` behind it, or is one of the caller's own. Without an
    activation, only the norm is applied.
    """

    def __init__(self, arm: Arm, make: Callable[..., Any]) -> None:
        self._arm = arm
        self._make = make

    def __call__(
        self,
        x: Any,
        name: str,
        activation: str | Callable[[Any], Any] | None = None,
        *,
        zero_gamma: bool = False,
    ) -> Any:
        """Return the tensor, normalized and activated, by Keras's name or by a layer.

        `zero_gamma` lets gamma start at zero, where the arm's layer has one.

        Raises:
            Refusal: The arm's layer is none, or its place is inside a recurrence.
        """
        if self.is_inside:
            raise Refusal(
                "norm.placement=inside: the norm stands inside a recurrence, and this model has "
                "none; take model=rnn, or placement before or after"
            )
        layers = [] if self._arm.layer is None else [self._layer(name, zero_gamma=zero_gamma)]
        if activation is not None:
            last = activation
            if isinstance(activation, str):
                last = keras.layers.Activation(activation, name=f"{name}_activation")
            layers.insert(len(layers) if self._arm.placement == "before" else 0, last)
        for layer in layers:
            x = layer(x)
        return x

    @property
    def is_inside(self) -> bool:
        """Whether the arm's layers stand inside a recurrence: then `inside` makes them."""
        return self._arm.layer is not None and self._arm.placement == "inside"

    def inside(self, name: str) -> keras.layers.Layer:
        """Return a fresh layer of the arm's called `name`, for the inside of a recurrence.

        Raises:
            Refusal: It is none.
        """
        return self._layer(name)

    def _layer(self, name: str, *, zero_gamma: bool = False) -> keras.layers.Layer:
        component = self._arm.layer
        assert component is not None
        if zero_gamma and "gamma_initializer" in component.arguments:
            arguments = {**component.arguments, "gamma_initializer": "zeros"}
            component = component.model_copy(update={"arguments": arguments})
        layer = self._make(component, name=name)
        if not isinstance(layer, keras.layers.Layer):
            raise Refusal(f"{component.target}: returned {type(layer).__name__}, not a layer")
        return layer


def norm_factory(arm: Arm, make: Callable[..., Any] = build) -> Norm:
    """Return what makes the arm's layers by `make(component, name=...)`.

    Raises:
        Refusal: The arm names what makes no layer.
    """
    if arm.layer is not None:
        _check_kind(arm.layer.target)
    return Norm(arm, make)


def _check_kind(target: str) -> None:
    """Refuse what makes no layer before it is called.

    Raises:
        Refusal: It is a class of another kind, or a function of a library's, such as `Input`.
    """
    found = resolve(target)
    if inspect.isclass(found):
        is_layer = issubclass(found, keras.layers.Layer) and not issubclass(found, keras.Model)
    else:
        is_layer = not is_from_library(found)
    if not is_layer:
        raise Refusal(
            f"{target}: is no layer; a norm is a subclass of keras.layers.Layer, such as "
            "keras.layers.LayerNormalization, or a function of yours that returns one"
        )
