"""What we rely on in Keras without its documentation's word: a new Keras fails here, by name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.training.private_keras import (
    batch_moments,
    drawing,
    is_generator_state,
    layers_of,
    restart_generator,
)

ROOMS = ("models", "training", "tracking", "diagnosis")


def test_layers_within_models_and_layers_are_found_once_each():
    inner = keras.Sequential([keras.layers.Dense(4, name="inside")], name="inner")
    wrapped = keras.layers.Bidirectional(keras.layers.LSTM(2, name="lstm"), name="wrapped")
    inputs = keras.Input((4, 2), name="inputs")
    model = keras.Model(inputs, inner(inner(wrapped(inputs))))
    names = [layer.name for layer in layers_of(model)]
    assert {"inputs", "inner", "inside", "wrapped", "forward_lstm", "backward_lstm"} <= set(names)
    assert len(layers_of(model)) == len({id(layer) for layer in layers_of(model)})
    assert model not in layers_of(model)


@pytest.mark.parametrize(("axis", "over"), [(-1, (0, 1, 2)), (1, (0, 2, 3))])
def test_the_batch_norms_moments_are_the_mean_and_the_biased_variance(axis, over):
    values = np.random.default_rng(0).normal(2.0, 3.0, (16, 5, 4, 3)).astype(np.float32)
    layer = keras.layers.BatchNormalization(axis=axis)
    layer.build(values.shape)
    mean, variance = batch_moments(layer, keras.ops.convert_to_tensor(values))
    np.testing.assert_allclose(mean, values.mean(over, dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(variance, values.astype(np.float64).var(over), rtol=1e-5)


def test_the_batch_norm_uses_these_moments():
    """Else our layer, which asks for them off the fused kernel, would have other numbers."""
    values = np.random.default_rng(1).normal(2.0, 3.0, (16, 5)).astype(np.float32)
    layer = keras.layers.BatchNormalization(momentum=0.0)
    layer(values, training=True)
    mean, variance = batch_moments(layer, keras.ops.convert_to_tensor(values))
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_a_restarted_generator_draws_what_the_seed_alone_decides():
    generators = [keras.random.SeedGenerator(seed) for seed in (1, 2)]
    keras.random.normal((3,), seed=generators[0])  # one of them has been used
    for generator in generators:
        assert is_generator_state(generator.state)
        restart_generator(generator.state, 7)
    drawn = [keras.random.normal((2, 50), seed=each).numpy() for each in generators]
    np.testing.assert_array_equal(*drawn)
    again = keras.random.normal((2, 50), seed=generators[0]).numpy()
    assert not np.array_equal(drawn[0], again)
    restart_generator(generators[0].state, 8)
    assert not np.array_equal(drawn[0], keras.random.normal((2, 50), seed=generators[0]).numpy())


def test_a_draw_is_what_an_initializer_of_that_seed_gives():
    for kind in (keras.initializers.GlorotUniform, keras.initializers.Orthogonal):
        plain, other = kind(seed=7)((4, 3)).numpy(), kind(seed=8)
        with drawing(7):
            first, second = other((4, 3)).numpy(), other((4, 3)).numpy()
        np.testing.assert_array_equal(first, plain)
        assert not np.array_equal(second, plain)
        np.testing.assert_array_equal(other((4, 3)).numpy(), kind(seed=8)((4, 3)).numpy())


def test_one_module_alone_uses_what_is_private():
    files = [file for room in ROOMS for file in sorted(Path("pipeline", room).rglob("*.py"))]
    assert len(files) > 30
    found = {file.name: list(private(ast.parse(file.read_text()))) for file in files}
    assert sorted(found.pop("private_keras.py")) == [
        "_flatten_layers",
        "_moments",
        "keras.src.backend.tensorflow",
    ]
    assert not {name: names for name, names in found.items() if names}


def private(tree: ast.Module) -> Iterator[str]:
    """Yield the private names of others: attributes that the tree's own classes do not have."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own |= {node.attr for node in names if isinstance(node.ctx, ast.Store)}
    for node in names:
        if node.attr.startswith("_") and not node.attr.startswith("__") and node.attr not in own:
            yield node.attr
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras.src"):
            yield node.module or ""
