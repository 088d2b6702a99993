"""Somebody's finished model with an arm's norms: in the place of its own, else before activations.

What Keras shows of a graph of layers is enough for it: the graph is run again over the same layers,
with the arm's where a norm stands. Weights of the rest keep their names and their values.
"""

from __future__ import annotations

import inspect
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import keras

from pipeline.components import resolve
from pipeline.errors import Refusal, reason_of
from pipeline.models.anatomy import (
    Place,
    hidden,
    is_graph,
    is_linear,
    is_norm,
    norm_within,
    norms_of,
    run_again,
)
from pipeline.models.norms import Norm
from pipeline.prints import in_one_line

GIVEN = ("shape", "outputs")


def build(shape: tuple[int, ...], outputs: int, norm: Norm, *, source: str) -> keras.Model:
    """Return the model that a function makes, with the arm's norms in it.

    Args:
        shape: Of an example: (h, w, c), (t, d) or (d,).
        outputs: How many numbers the model gives for one.
        norm: The arm.
        source: Dotted path of a function that returns a keras.Model, made anew at each call. It
            takes nothing, or a shape and a number of outputs, in this order or as `shape` and
            `outputs`.

    Raises:
        Refusal: It is no such function, its model does not fit the data, or has no place where a
            norm can be exchanged or inserted.
    """
    model = _made(source, shape, outputs)
    if isinstance(model, keras.Sequential) and not model.built:
        try:
            model.build((None, *shape))
        except Exception as error:  # its layers may refuse in any way
            said = f"returned a Sequential that cannot be built on examples of {shape}"
            raise Refusal(f"{source} {said}: {reason_of(error)}") from error
    _check_fit(source, model, shape, outputs)
    return _with_norms(source, model, norm)


def variant(model: keras.Model, norm: Norm) -> keras.Model:
    """Return a copy of a model with the arm's norms in it; the model stays as it is.

    Every BatchNormalization, LayerNormalization, GroupNormalization and RMSNormalization, and
    whatever else is called so, gives way to the arm's layer of its name, which starts as the arm
    says; under the plain arm to nothing. In a model without any, the arm's layer stands at each
    activation between layers with weights, on the arm's side of it: a Dense or Conv that activates
    by itself is split, and its norm called after it, with `_norm` behind the name.

    Args:
        model: Functional or Sequential and built, nested ones within it, too.
        norm: The arm.

    Raises:
        Refusal: It is no graph of layers, or one in which that cannot be done.
    """
    if not is_graph(model):
        raise Refusal(_no_graph(f"model {model.name}", model))
    try:
        copied = keras.models.clone_model(model)
    except Exception as error:  # a layer of somebody's may not say how it is made
        raise Refusal(f"model {model.name}: cannot be copied: {reason_of(error)}") from error
    copied.set_weights(model.get_weights())
    return _with_norms(f"model {model.name}", copied, norm)


def _made(source: str, shape: tuple[int, ...], outputs: int) -> keras.Model:
    function: Any = resolve(source)
    if not callable(function) or inspect.isclass(function):
        raise Refusal(f"{source}: is no function that returns a keras.Model")
    arguments, named = arguments_of(source, function, (shape, outputs))
    with in_one_line(source):
        model = function(*arguments, **named)
    if not isinstance(model, keras.Model):
        raise Refusal(f"{source} returned {type(model).__name__}, not a keras.Model")
    if not is_graph(model):
        raise Refusal(_no_graph(source, model))
    return model


def arguments_of(
    source: str, function: Callable[..., Any], given: tuple[Any, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return by position and by name what a function of a model is called with.

    Args:
        source: What it is called.
        function: It.
        given: The shape of an example and the number of outputs.

    Raises:
        Refusal: It needs something else.
    """
    parameters = inspect.signature(function).parameters.values()
    own = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    named = {
        name: value
        for name, value in zip(GIVEN, given, strict=True)
        if any(each.name == name and each.kind != each.POSITIONAL_ONLY for each in own)
    }
    needed = [each.name for each in own if each.default is each.empty and each.name not in named]
    if not needed:
        return (), named
    first = [each.name for each in own[: len(GIVEN)] if each.kind != each.KEYWORD_ONLY]
    if not named and needed == first and len(first) == len(GIVEN):
        return given, {}
    way = "name it as a builder, whose norm it takes" if "norm" in needed else "give it a default"
    raise Refusal(f"{source}: is asked for a model of {GIVEN} and needs {needed[0]!r}, too; {way}")


def _check_fit(source: str, model: keras.Model, shape: tuple[int, ...], outputs: int) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        counts = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise Refusal(f"{source} returned a model with {counts}; a trial has one of each")
    takes, gives = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    fits = len(takes) == len(shape) and all(
        size in (None, asked) for size, asked in zip(takes, shape, strict=True)
    )
    if not fits or gives != (outputs,):
        raise Refusal(
            f"{source} returned a model from {takes} to {gives}, but the data ask for one from "
            f"{shape} to {(outputs,)}; let the function take shape and outputs"
        )


def _no_graph(source: str, model: keras.Model) -> str:
    return (
        f"{source}: {type(model).__name__} is no graph of layers, so that its norms cannot be "
        "exchanged; call norm(x, name=...) where one belongs, in a builder of your own"
    )


def _with_norms(source: str, model: keras.Model, norm: Norm) -> keras.Model:
    """Return a graph of the same layers with the arm's norms; those that are split lose a part."""
    if any(norms_of(model)):
        return _Rewriting(source, norm, None).of(model)
    places = hidden(model)
    if not places:
        raise Refusal(
            f"{source}: has no norm and no activation between two layers with weights where one "
            "could stand; call norm(x, name=...) where it belongs, in a builder of your own"
        )
    return _Rewriting(source, norm, places).of(model)


class _Rewriting:
    """Runs a graph again with the arm's layer for each norm, or at each of some places.

    A graph that is called several times, or within several others, is rewritten once.
    """

    def __init__(self, source: str, norm: Norm, places: set[Place] | None) -> None:
        self._source = source
        self._norm = norm
        self._places = places
        self._calls = Counter[int]()
        self._known = dict[int, keras.Model]()

    def of(self, model: keras.Model) -> keras.Model:
        """Return the graph with the arm's norms.

        Raises:
            Refusal: A norm is shared, or within another layer, or has channels first.
        """
        count = itertools.count()

        def called(layer: Any, *arguments: Any, **more: Any) -> Any:
            place = (id(model), next(count))
            if is_graph(layer):
                layer = self.of(layer)
            elif self._places is None and is_norm(layer):
                return self._exchanged(layer, *arguments, **more)
            elif self._places is not None and place in self._places:
                return self._normed(layer, *arguments, **more)
            elif within := norm_within(layer):
                raise self._refused(layer, f"holds {within}, a norm that cannot be exchanged there")
            return layer(*arguments, **more)

        if id(model) not in self._known:
            self._known[id(model)] = run_again(model, called)
        return self._known[id(model)]

    def _exchanged(self, layer: Any, x: Any, **more: Any) -> Any:
        """Return what the arm's layer makes of a norm's inputs."""
        self._calls[id(layer)] += 1
        told = sorted(name for name, value in more.items() if value is not None)
        if self._calls[id(layer)] > 1:
            raise self._refused(layer, "is called more than once: one layer cannot stand for it")
        if told:
            raise self._refused(layer, f"is called with {told[0]}=, which no other norm is told")
        axes = getattr(layer, "axis", -1)
        axes = axes if isinstance(axes, list | tuple) else [axes]
        if all(axis % len(x.shape) != len(x.shape) - 1 for axis in axes):
            raise self._refused(layer, f"normalizes axis {axes[0]}; put the channels last")
        return self._applied(x, layer.name)

    def _normed(self, layer: Any, *arguments: Any, **more: Any) -> Any:
        """Return what a layer gives with the arm's norm at its activation."""
        self._calls[id(layer)] += 1
        again = self._calls[id(layer)]
        name = f"{layer.name}_norm" if again == 1 else f"{layer.name}_norm_{again}"
        if not is_linear(layer):
            return self._applied(arguments[0], name, layer)
        if again > 1:
            raise self._refused(layer, "is called more than once, and activates by itself")
        if getattr(layer, "data_format", None) == "channels_first":
            raise self._refused(layer, "has its channels first; put them last")
        if isinstance(layer.activation, keras.Layer):
            raise self._refused(layer, "activates by a layer; call that behind it")
        function, layer.activation = layer.activation, keras.activations.linear
        activation = keras.layers.Activation(function, name=f"{layer.name}_activation")
        return self._applied(layer(*arguments, **more), name, activation)

    def _applied(self, x: Any, name: str, activation: Any = None) -> Any:
        try:
            return self._norm(x, name=name, activation=activation)
        except (ValueError, TypeError) as error:  # Keras's, such as of groups
            said = f"the arm's layer does not fit in the place of {name}"
            raise Refusal(f"{self._source}: {said}: {reason_of(error)}") from error

    def _refused(self, layer: Any, why: str) -> Refusal:
        return Refusal(f"{self._source}: its layer {layer.name} ({type(layer).__name__}) {why}")
