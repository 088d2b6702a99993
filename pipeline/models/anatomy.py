"""What a graph of layers is made of: its norms, and activations between layers with weights.

By what Keras documents alone: a graph is run again over its own layers, and each call looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
from keras import layers

Called = Callable[..., Any]  # of (layer, *arguments, **more): what the layer gives

NORMS = (
    layers.BatchNormalization,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.RMSNormalization,
)
NORM_NAME = re.compile(r"Norm(ali[sz]ation)?(\dd)?$", re.IGNORECASE)
# they standardize inputs, scale a weight, and project onto a sphere: parts of what a model is
NO_NORMS = (layers.Normalization, layers.SpectralNormalization, layers.UnitNormalization)
ACTIVATIONS = (layers.Activation, layers.ELU, layers.LeakyReLU, layers.PReLU, layers.ReLU)
OPERATIONS = (  # of keras.ops: no layers, and activations all the same
    *("Celu", "Elu", "Gelu", "HardSigmoid", "HardSilu", "HardSwish", "LeakyRelu", "Mish", "Relu"),
    *("Relu6", "Selu", "Sigmoid", "Silu", "Softplus", "Softsign", "Swish", "Tanh"),
)
LINEAR = (
    *(layers.Dense, layers.EinsumDense, layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
)
RESTING = ("linear", "softmax")  # nothing, and no activation of hidden layers

Place = tuple[int, int]  # a graph by its id, and the number of a call within it


class Call(NamedTuple):
    """A layer, or an operation of keras.ops, and the numbers of the calls that feed it."""

    layer: Any
    sources: set[int]


def is_graph(layer: Any) -> bool:
    """Tell whether it is a graph of layers that Keras itself runs."""
    if not isinstance(layer, keras.Model) or not str(type(layer).call.__module__).startswith(
        "keras."
    ):
        return False
    return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")


def is_norm(layer: Any) -> bool:
    """Tell whether a layer normalizes what passes through a model."""
    if not isinstance(layer, keras.Layer) or isinstance(layer, NO_NORMS):
        return False
    return isinstance(layer, NORMS) or bool(NORM_NAME.search(type(layer).__name__))


def is_linear(layer: Any) -> bool:
    """Tell whether it is a linear map, which may activate what it gives."""
    return isinstance(layer, LINEAR)


def norm_within(layer: Any) -> str:
    """Return the name of a norm that is part of a layer, at any depth; empty without one."""
    return next((each.name for each in _parts(layer, set()) if is_norm(each)), "")


def run_again(model: keras.Model, called: Called) -> keras.Model:
    """Return the graph of the same layers, each of them called by `called`, in their order."""
    sequential = isinstance(model, keras.Sequential)
    ends = (model.inputs[0], model.outputs[0]) if sequential else (model.input, model.output)
    graph = keras.Model(*ends, name=model.name)  # not compiled, and a Sequential no longer
    return keras.models.clone_model(graph, clone_function=_itself, call_function=called)


def calls_of(model: keras.Model) -> list[Call]:
    """Return every call of a graph, in the order in which `run_again` makes them."""
    calls: list[Call] = []
    origins: dict[int, int] = {}
    kept: list[Any] = []  # so that no other tensor takes the id of one

    def called(layer: Any, *arguments: Any, **more: Any) -> Any:
        taken = [id(each) for each in keras.tree.flatten((arguments, more))]
        given = layer(*arguments, **more)
        made = keras.tree.flatten(given)
        kept.extend(made)
        origins.update({id(each): len(calls) for each in made})
        calls.append(Call(layer, {origins[each] for each in taken if each in origins}))
        return given

    run_again(model, called)
    return calls


def norms_of(model: keras.Model) -> Iterator[Any]:
    """Yield the norms of a graph and of those within it."""
    for layer in model.layers:
        if is_graph(layer):
            yield from norms_of(layer)
        elif is_norm(layer):
            yield layer


def hidden(model: keras.Model, *, before: bool = False, behind: bool = False) -> set[Place]:
    """Return the calls that activate between two layers with weights, those of nested graphs too.

    Args:
        model: A graph.
        before: Whether such a layer feeds it.
        behind: Whether it feeds such a layer.
    """
    calls = calls_of(model)
    fed, feeds = [before] * len(calls), [behind] * len(calls)
    for n, call in enumerate(calls):
        fed[n] |= any(fed[each] or _has_weights(calls[each].layer) for each in call.sources)
    for n, call in reversed(list(enumerate(calls))):
        for each in call.sources:
            feeds[each] |= feeds[n] or _has_weights(call.layer)
    found: set[Place] = set()
    for n, (layer, _) in enumerate(calls):
        if is_graph(layer):
            found |= hidden(layer, before=fed[n], behind=feeds[n])
        elif feeds[n] and (_activates_itself(layer) or (fed[n] and _is_activation(layer))):
            found.add((id(model), n))
    return found


def _itself(layer: Any) -> Any:
    return layer


def _has_weights(layer: Any) -> bool:
    return bool(getattr(layer, "weights", ()))


def _activates_itself(layer: Any) -> bool:
    return is_linear(layer) and _activates(layer)


def _is_activation(layer: Any) -> bool:
    if isinstance(layer, ACTIVATIONS):
        return not isinstance(layer, layers.Activation) or _activates(layer)
    return not isinstance(layer, keras.Layer) and type(layer).__name__ in OPERATIONS


def _activates(layer: Any) -> bool:
    return getattr(layer.activation, "__name__", "") not in RESTING


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the layers that a layer holds as attributes, or in lists and groups among them."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, keras.Layer):
        for each in vars(value).values():
            for part in _listed(each):
                yield part
                yield from _parts(part, seen)


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, keras.Layer):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _listed(each)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _listed(each)
