"""Initial weights by name, and their digest.

A weight's draw depends on the trial's seed and its path, which is its layer's and its own name:
a norm layer that is added or taken away shifts nobody else's draw. So it is with every
variable, trainable or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.errors import Refusal
from pipeline.training.checkpoint import Weight, Weights, digest_of, numbered
from pipeline.training.origins import Initializer
from pipeline.training.private_keras import (
    drawing,
    is_generator_state,
    layers_of,
    restart_generator,
)


def draw_weights(model: keras.Model, seed: int) -> None:
    """Put every variable where its initializer puts it under a seed, generators included.

    The model was made while `origins.looked_on`. A variable made of a value keeps it.
    """
    names = _generators(model)
    for path, variable in by_path(model):
        if variable.origin.initializer is not None or is_generator_state(variable):
            _draw(names.get(id(variable), path), variable, seed)


def _draw(name: str, variable: keras.Variable, seed: int) -> None:
    if is_generator_state(variable):
        restart_generator(variable, _seed(seed, name))
    else:
        variable.assign(drawn(variable, variable.origin.initializer, _seed(seed, name)))


class FirstWeights:
    """What a model's variables are before each trial: most are put back in one call, some drawn."""

    def __init__(self, model: keras.Model, beside: Sequence[tf.Variable] = ()) -> None:
        """Take a model as it was built, and variables beside it that start as they are now."""
        names = _generators(model)
        self._drawn: list[tuple[str, keras.Variable]] = []
        kept = list(beside)
        for path, variable in by_path(model):
            if is_generator_state(variable) or not _is_constant(variable.origin.initializer):
                self._drawn.append((names.get(id(variable), path), variable))
            else:
                kept.append(variable.value)
        first = [tf.identity(variable) for variable in kept]

        def put() -> None:
            for variable, value in zip(kept, first, strict=True):
                variable.assign(value)

        self._put = tf.function(put, autograph=False)

    def draw(self, seed: int) -> None:
        """Put every variable where `draw_weights` puts it on a model that was built anew."""
        self._put()
        for path, variable in self._drawn:
            _draw(path, variable, seed)


def check_origins(model: keras.Model, again: keras.Model | None = None) -> list[str]:
    """Refuse what is random and not drawn by an initializer.

    Args:
        model: A model, as its builder returned it.
        again: The same, built anew while Python, NumPy and TensorFlow had other seeds.

    Returns:
        Paths of the variables that no seed changes and that are not of one value: constants if
        they are equal in both models. Only `again` tells.

    Raises:
        Refusal: A variable is random without an initializer, or its initializer draws from what
            no seed decides.
    """
    twins = dict(by_path(again)) if again is not None else {}
    fixed = []
    for path, variable in by_path(model):
        initializer = variable.origin.initializer
        if is_generator_state(variable) or _is_seeded(initializer):
            continue
        if initializer is None:
            values = [variable.numpy()] * 2
        else:
            values = [np.asarray(drawn(variable, initializer, each)) for each in (1, 1, 2)]
            if not np.array_equal(values[0], values.pop(1), equal_nan=True):
                raise Refusal(f"{_cannot(variable)}: its initializer draws what no seed decides")
        if not np.array_equal(*values, equal_nan=True) or not _varies(values[0]):
            continue
        fixed.append(path)
        if path in twins and not np.array_equal(_first(variable), _first(twins[path])):
            raise Refusal(
                f"{_cannot(variable)}: it holds random numbers that no initializer drew; "
                "give add_weight an initializer that draws them"
            )
    return fixed


def drawn(variable: keras.Variable, initializer: Initializer, seed: int) -> Any:
    """Return what an initializer gives a variable under a seed, whatever was drawn before."""
    if not _is_kerass(initializer):
        keras.utils.set_random_seed(seed)
    with drawing(seed):
        return initializer(variable.shape, dtype=variable.dtype)


def by_path(model: keras.Model) -> Iterator[tuple[str, keras.Variable]]:
    """Yield the model's variables by path; where paths are the same, numbered from the second."""
    variables = model.variables
    yield from zip(numbered(each.path for each in variables), variables, strict=True)


def _first(variable: keras.Variable) -> Any:
    return variable.origin.first


def _cannot(variable: keras.Variable) -> str:
    return f"model weight {variable.path} cannot be drawn from the seed"


def _varies(value: Any) -> bool:
    return value.size > 1 and not (value == value.flat[0]).all()


def _is_seeded(initializer: Initializer | None) -> bool:
    """Tell whether it is one of Keras's that draw."""
    return (
        isinstance(initializer, keras.initializers.Initializer)
        and _is_kerass(initializer)
        and "seed" in initializer.get_config()
    )


def _is_constant(initializer: Initializer | None) -> bool:
    """Tell whether no seed changes it: one of Keras's that does not draw, or a value."""
    return initializer is None or (
        isinstance(initializer, keras.initializers.Initializer)
        and _is_kerass(initializer)
        and not _is_seeded(initializer)
    )


def _is_kerass(initializer: Initializer) -> bool:
    return type(initializer).__module__.startswith("keras.")


def _generators(model: keras.Model) -> dict[int, str]:
    """Return the names of what layers such as dropout draw from, by their state's id."""
    return {
        id(value.state): f"{layer.path}/{attribute}"
        for layer in layers_of(model)
        for attribute, value in vars(layer).items()
        if isinstance(value, keras.random.SeedGenerator)
    }


def _seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def weights_digest(model: keras.Model) -> str:
    """Return the SHA-256 of all weights, moving statistics included: names, shapes and bytes."""
    return digest_of(weights_of(model))


def weights_of(model: keras.Model) -> Weights:
    """Return all weights of a model as they are now, in its order."""
    values = [(each.path, np.asarray(each.numpy())) for each in model.variables]
    return tuple(
        Weight(path, str(value.dtype), value.shape, value.tobytes()) for path, value in values
    )
