"""A Keras model -> the facts of its normalization layers: nested ones too, shared ones once."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.diagnosis.facts import LayerFacts, Surroundings, Values
from pipeline.diagnosis.graph import Graph, graph_of
from pipeline.training.private_keras import layers_of

NORMS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)


def norms_of(model: keras.Model) -> dict[str, Any]:
    """Return a model's normalization layers by path, each once."""
    return _by_path(model, graph_of(model))


def batch_norms_of(model: keras.Model) -> dict[str, Any]:
    """Return those that normalize by batch in training and by moving averages at inference."""
    return {path: each for path, each in norms_of(model).items() if _has_averages(each)}


def facts_of(model: keras.Model) -> list[LayerFacts]:
    """Return what is known of each normalization layer."""
    graph = graph_of(model)
    return [_facts(path, layer, graph) for path, layer in _by_path(model, graph).items()]


def surroundings_of(
    model: keras.Model, facts: list[LayerFacts], *, batch_size: int | None, steps: int | None
) -> Surroundings:
    """Return what the checks must know beside a layer's facts."""
    optimizer = getattr(model, "optimizer", None)
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    iterations = int(optimizer.iterations.numpy()) if optimizer is not None else 0
    return Surroundings(
        batch_size=batch_size,
        steps=steps,
        replicas=int(tf.distribute.get_strategy().num_replicas_in_sync),
        optimizer_decay=float(getattr(inner, "weight_decay", None) or 0.0),
        is_trained=iterations > 0 or any(each.has_learned for each in facts),
    )


def _by_path(model: keras.Model, graph: Graph) -> dict[str, Any]:
    shown = {id(layer): path for path, layer in graph.layers.items()}
    found: dict[str, Any] = {}
    for layer in layers_of(model):
        if isinstance(layer, NORMS) or _has_averages(layer):
            path = shown.get(id(layer)) or layer.path
            while path in found:  # a subclassed model may give two layers one name
                path += "'"
            found[path] = layer
    order = {path: place for place, path in enumerate(graph.layers)}
    return dict(sorted(found.items(), key=lambda each: order.get(each[0], len(order))))


def _has_averages(layer: Any) -> bool:
    return hasattr(layer, "moving_mean") and hasattr(layer, "moving_variance")


def _facts(path: str, layer: Any, graph: Graph) -> LayerFacts:
    shape = (layer.get_build_config() or {}).get("input_shape") if layer.built else None
    axis = getattr(layer, "axis", None)
    rank = len(shape) if shape else None
    if isinstance(axis, int) and axis < 0 and rank:
        axis += rank
    whole = axis if isinstance(axis, int) else None
    gamma = getattr(layer, "gamma", None)
    is_shown = path in graph.layers
    return LayerFacts(
        path=path,
        home=graph.homes[path] if is_shown else path.rpartition("/")[0],
        kind=type(layer).__name__,
        axis=whole,
        rank=rank,
        positions=_positions(shape, whole),
        momentum=_number(getattr(layer, "momentum", None)),
        epsilon=_number(getattr(layer, "epsilon", None)),
        gamma=_values(gamma),
        beta=_values(getattr(layer, "beta", None)),
        moving_mean=_values(getattr(layer, "moving_mean", None)),
        moving_variance=_values(getattr(layer, "moving_variance", None)),
        is_trainable=bool(layer.trainable),
        gamma_is_trainable=bool(getattr(gamma, "trainable", True)),
        gamma_decay=_strength(getattr(layer, "gamma_regularizer", None)),
        renorm=bool(getattr(layer, "renorm", False)),
        synchronized=bool(getattr(layer, "synchronized", False)),
        compute_dtype=str(layer.compute_dtype),
        variable_dtype=str(layer.variable_dtype),
        mask_lost=graph.mask_lost(path) if is_shown and (rank or 0) >= 3 else "",
        before=graph.before(path) if is_shown else (),
        behind=graph.behind(path) if is_shown else (),
        upstream=graph.upstream(path) if is_shown else None,
    )


def _positions(shape: Any, axis: int | None) -> int | None:
    if not shape or axis is None:
        return None
    rest = [size for place, size in enumerate(shape) if place not in (0, axis)]
    return None if any(size is None for size in rest) else math.prod(rest)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _values(variable: Any) -> Values | None:
    if variable is None or not hasattr(variable, "numpy"):
        return None
    values: Values = np.asarray(variable.numpy(), np.float64)
    return values


def _strength(regularizer: Any) -> float:
    if regularizer is None:
        return 0.0
    known = [getattr(regularizer, name, None) for name in ("l1", "l2")]
    if all(each is None for each in known):
        return 1.0  # one of the user's own: its strength is not known
    return float(sum(float(each) for each in known if each is not None))
