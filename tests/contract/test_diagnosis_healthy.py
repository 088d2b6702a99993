"""Healthy models, ours and Keras's, of several seeds, trained a little: no finding does harm."""

import keras
import numpy as np
import pytest

from pipeline.data.arrays import open_split
from pipeline.diagnosis import diagnose

pytestmark = pytest.mark.slow

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
OURS = ("mlp", "mlp_narrow", "mlp_residual", "cnn", "cnn_small", "resnet")
ARMS = ("batch", "batch_default", "batch_after")
SMALL = {"resnet": ("model.depth=8",)}
APPLICATIONS = {
    "ResNet50": 32,
    "ResNet50V2": 32,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "DenseNet121": 32,
}
SEEDS = (0, 1)


def harms(found) -> list[tuple[str, str]]:
    return [(each.code, each.layer) for each in found.findings if each.rank == "harm"]


def trained(model, x, y, *, epochs: int):
    model.compile(keras.optimizers.Adam(1e-3), LOSS, jit_compile=False)
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("name", OURS)
def test_a_model_that_we_ship_has_no_harm(name, arm, built_model, folder):
    """With data as well: its averages are given the steps that they need."""
    pixels, targets = open_split(folder, "train")
    x = (np.asarray(pixels) / 255).astype("float32")
    overrides = (f"model={name}", f"norm={arm}", *SMALL.get(name, ()))
    model = trained(built_model(*overrides), x, targets, epochs=2)
    assert harms(diagnose(model)) == []
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.8
    trained(model, x, targets, epochs=6)
    assert harms(diagnose(model, x, targets, steps=48)) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_network_of_keras_own_trained_a_little_has_no_harm(name, seed):
    keras.utils.set_random_seed(seed)
    side = APPLICATIONS[name]
    build = getattr(keras.applications, name)
    inputs = keras.Input((side, side, 3))
    network = build(weights=None, include_top=False, input_shape=(side, side, 3), pooling="avg")
    model = keras.Model(inputs, keras.layers.Dense(4)(network(inputs)))
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 32)
    x = rng.uniform(0, 255, (32, side, side, 3)).astype("float32")
    trained(model, x, y, epochs=2)
    assert harms(diagnose(model)) == []


def test_there_are_thirty():
    assert len(OURS) * len(ARMS) + len(APPLICATIONS) * len(SEEDS) >= 30
