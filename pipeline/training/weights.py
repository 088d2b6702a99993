"""Initial weights by name, and their digest.

A weight's draw depends on the trial's seed, its layer's name and its own name:
a norm layer that is added or taken away shifts nobody else's draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import keras
import numpy as np

from pipeline.errors import Refusal
from pipeline.training.private_keras import layers_of, restart_generator


def draw_weights(model: keras.Model, seed: int) -> None:
    """Draw every weight of the model again from its layer's initializers.

    A weight without an initializer of its name keeps its value if that is a
    constant: nothing was drawn.

    Raises:
        Refusal: A weight was drawn by something that cannot be seeded by name.
    """
    reached: set[int] = set()
    for layer in layers_of(model):
        for attribute, initializer in _initializers(layer):
            variable = getattr(layer, attribute, None)
            if variable is None:
                continue
            configuration = initializer.get_config()
            if "seed" in configuration:
                configuration["seed"] = _seed(seed, f"{layer.path}/{attribute}")
            fresh = type(initializer).from_config(configuration)
            variable.assign(fresh(variable.shape, dtype=variable.dtype))
            reached.add(id(variable))
    for name, generator in _generators(model):
        restart_generator(generator, _seed(seed, name))
    for variable in model.trainable_variables:
        if id(variable) not in reached and np.ptp(variable.numpy()) > 0:
            raise Refusal(
                f"model weight {variable.path} cannot be seeded by name: "
                "give its layer an attribute NAME_initializer for the weight NAME"
            )


def _initializers(
    layer: keras.Layer,
) -> Iterable[tuple[str, keras.initializers.Initializer]]:
    for name, value in vars(layer).items():
        if name.endswith("_initializer") and isinstance(value, keras.initializers.Initializer):
            yield name.removesuffix("_initializer"), value


def _generators(model: keras.Model) -> Iterable[tuple[str, keras.random.SeedGenerator]]:
    """Yield what layers such as dropout draw from while they train, each with its name."""
    for layer in layers_of(model):
        for attribute, value in vars(layer).items():
            if isinstance(value, keras.random.SeedGenerator):
                yield f"{layer.path}/{attribute}", value


def _seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def weights_digest(model: keras.Model) -> str:
    """Return the SHA-256 of all weights, moving statistics included: names, shapes and bytes."""
    digest = hashlib.sha256()
    for variable in model.variables:
        value = np.ascontiguousarray(variable.numpy())
        digest.update(f"{variable.path} {value.dtype} {value.shape}\n".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
