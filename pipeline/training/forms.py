"""Which models a builder may return: a graph of layers from one example to one row of numbers.

A Sequential that has not seen its inputs is built on the dataset's; all else that has no such graph
is refused, with what to write instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from pipeline.errors import Refusal, reason_of

LISTED = 3
RUN_BY_US = ("call", "train_step", "compute_loss")  # a trainer here would pass a model's own over


def graph_of(target: str, model: Any, shape: tuple[int, ...]) -> keras.Model:
    """Return a builder's model as a graph of layers that takes an example, built if it can be.

    Args:
        target: The builder's dotted path.
        model: What it returned.
        shape: Shape of an example: (h, w, c), (t, d) or (d,).

    Raises:
        Refusal: It is no model, has no graph, or takes or gives something else.
    """
    if not isinstance(model, keras.Model):
        raise Refusal(f"{target} returned {type(model).__name__}, not a keras.Model")
    if isinstance(model, keras.Sequential) and not model.built:
        _build(target, model, shape)
    _check_is_seen(target, model)
    _check_one(target, "inputs", model.inputs)
    _check_one(target, "outputs", model.outputs)
    if not takes(model, shape):
        raise Refusal(
            f"{target} returned a model that takes {tuple(model.inputs[0].shape)}, but is asked "
            f"about examples of {(None, *shape)}: begin with keras.Input(shape)"
        )
    _check_numbers(target, "takes", model.inputs[0], ("float", "bfloat", "int", "uint"))
    _check_numbers(target, "gives", model.outputs[0], ("float", "bfloat"))
    given = model.compute_output_spec(model.inputs[0])
    if isinstance(given, dict | list | tuple) or isinstance(getattr(model, "input", 0), dict):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def takes(model: keras.Model, shape: tuple[int, ...]) -> bool:
    """Tell whether a model's only input is for examples of this shape, in any number."""
    found = tuple(model.inputs[0].shape)
    return (
        len(model.inputs) == 1
        and found[0] is None
        and len(found) == len(shape) + 1
        and all(size in (None, asked) for size, asked in zip(found[1:], shape, strict=True))
    )


def _build(target: str, model: keras.Sequential, shape: tuple[int, ...]) -> None:
    try:
        model.build((None, *shape))
    except Exception as error:  # its layers may refuse in any way
        raise Refusal(
            f"{target} returned a Sequential that cannot be built on examples of {shape}: "
            f"{reason_of(error)}"
        ) from error


def _check_is_seen(target: str, model: keras.Model) -> None:
    own = [each for each in RUN_BY_US if not _is_kerass(getattr(type(model), each))]
    has_graph = bool(getattr(model, "inputs", None) and getattr(model, "outputs", None))
    if has_graph and not own:
        return
    kind = type(model).__name__
    why = f"has its own {own[0]}" if own else "is no graph of layers"
    raise Refusal(
        f"{target} returned {kind}, which {why}: a comparison runs the layers themselves; wrap "
        f"it: inputs = keras.Input(shape); return keras.Model(inputs, {kind}(...)(inputs))"
    )


def _is_kerass(method: Any) -> bool:
    return str(getattr(method, "__module__", "")).startswith("keras.")


def _check_one(target: str, what: str, tensors: Sequence[Any]) -> None:
    if len(tensors) == 1:
        return
    named = ", ".join(f"{each.name} {tuple(each.shape)}" for each in tensors[:LISTED])
    more = ", ..." if len(tensors) > LISTED else ""
    raise Refusal(
        f"{target} returned a model with {len(tensors)} {what} ({named}{more}); a trial has one: "
        "return keras.Model(inputs, outputs) of one tensor each"
    )


def _check_numbers(target: str, does: str, tensor: Any, kinds: tuple[str, ...]) -> None:
    if not str(tensor.dtype).startswith(kinds):
        raise Refusal(
            f"{target} returned a model that {does} {tensor.dtype} ({tensor.name}), where "
            "floating-point numbers are wanted"
        )
