"""Where a trial begins whose weights are those that another trial ended with.

They are taken by path, moving statistics too. What draws while it computes starts from the trial's
own seed. The head, which is the last layer with weights, is new where it does not fit, drawn like
any other; all else must fit.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from pipeline.errors import Refusal
from pipeline.records import Trial
from pipeline.training.checkpoint import Weight, Weights, numbered
from pipeline.training.private_keras import is_generator_state
from pipeline.training.weights import by_path

GENERATOR = "seed_generator_state"


def begin(trial: Trial, model: keras.Model, start: Weights | None) -> dict[str, str]:
    """Put a model's variables, drawn already, where a trial starts.

    Args:
        trial: The question.
        model: Its model.
        start: What the trial that it names ended with; None where it names none.

    Returns:
        What a result tells of it: the head's name under `new_layer`, or nothing.

    Raises:
        Refusal: Something other than the head does not fit; the first is named.
    """
    if start is None:
        return {}
    named = zip(numbered(each.path for each in start), start, strict=True)
    found = {path: each for path, each in named if not _is_generator(path)}
    head = _head(model)
    mine = [(path, each) for path, each in by_path(model) if not is_generator_state(each)]
    own = {id(each) for each in head.variables}
    unfit = [(path, each) for path, each in mine if not _fits(found.get(path), each)]
    for path, variable in unfit:
        if id(variable) not in own:
            raise Refusal(f"{_cannot(trial)}: {_misfit(path, found.get(path), variable)}")
    known = {path for path, _ in mine}
    for path in found:
        if path not in known:
            raise Refusal(f"{_cannot(trial)}: its {path} has no place in this model")
    for path, variable in mine:
        if not (unfit and id(variable) in own):
            variable.assign(_value(found[path]))
    return {"new_layer": head.name} if unfit else {}


def _head(model: keras.Model) -> keras.layers.Layer:
    """Return the last layer with weights."""
    layers: list[Any] = [
        each for each in getattr(model, "operations", None) or model.layers if _variables(each)
    ]
    last = layers[-1] if layers else model
    return _head(last) if isinstance(last, keras.Model) and last is not model else last


def _variables(operation: Any) -> list[Any]:
    return list(getattr(operation, "variables", ()))


def _is_generator(path: str) -> bool:
    return any(part.startswith(GENERATOR) for part in path.split("/"))


def _fits(found: Weight | None, variable: keras.Variable) -> bool:
    return found is not None and found.shape == tuple(variable.shape)


def _value(found: Weight) -> Any:
    return np.frombuffer(found.data, np.dtype(found.dtype)).reshape(found.shape)


def _cannot(trial: Trial) -> str:
    return f"{trial.model.target} cannot start from trial {(trial.start or '')[:12]}"


def _misfit(path: str, found: Weight | None, variable: keras.Variable) -> str:
    if found is None:
        return f"it has no {path}"
    return f"its {path} is of shape {found.shape}, this model's of {tuple(variable.shape)}"
