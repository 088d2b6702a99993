"""A network of Keras's own: its pixels, its norms, its weights, and the head with the arm."""

import re
from functools import partial

import keras
import numpy as np
import pytest

from pipeline.errors import Refusal

SHAPE = (28, 28, 1)
MOBILE = ("model.application=MobileNetV2", "model.alpha=0.35", "model.dense=32")
# without its top, at 32x32: Keras's own count, moving statistics included
WEIGHTS = 410_208
GENERATOR = np.random.default_rng(0)


@pytest.fixture
def application(built_model):
    """Builds the model under overrides."""
    return partial(built_model, "model=keras_application")


def test_the_head_has_as_many_weights_as_arithmetic_says(application):
    # 1280 * 32 + 32 and 32 * 10 + 10; gamma, beta and two moving statistics of the arm's norm
    head = 1280 * 32 + 32 + 330
    assert application(*MOBILE, "norm=none").count_params() == WEIGHTS + head
    assert application(*MOBILE, "norm=batch").count_params() == WEIGHTS + head + 4 * 32


def test_the_arm_stands_in_the_head_and_the_network_keeps_its_own_norms(application):
    model = application(*MOBILE, "norm=layer")
    assert type(model.get_layer("norm")).__name__ == "LayerNormalization"
    assert model.get_layer("norm").input.shape == (None, 32)
    network = model.get_layer("application")
    kinds = [type(layer).__name__ for layer in network.layers if "Norm" in type(layer).__name__]
    assert kinds == ["BatchNormalization"] * 52


def test_frozen_norms_stay_as_they_are_and_use_their_averages_in_training(application):
    pictures = GENERATOR.random((8, *SHAPE), np.float32)
    for frozen in (True, False):
        model = application(*MOBILE, "norm=none", f"model.frozen_norms={frozen}")
        network = model.get_layer("application")
        gammas = [each for each in network.trainable_variables if each.name == "gamma"]
        assert len(gammas) == (0 if frozen else 52)
        alike = np.array_equal(model(pictures, training=True), model(pictures, training=False))
        assert alike == frozen
        moved = {
            np.ptp(each.numpy()) > 0
            for each in network.non_trainable_variables
            if each.name == "moving_mean"
        }
        assert moved == ({False} if frozen else {True})


def before_the_network(model):
    """Return the model's way up to the network, saved and loaded."""
    operations = list(model.operations)
    place = [each.name for each in operations].index("application")
    return keras.Model(model.input, operations[place - 1].output)


@pytest.mark.parametrize(
    ("network", "module"), [("MobileNetV2", "mobilenet_v2"), ("VGG16", "vgg16")]
)
def test_pixels_go_through_the_network_s_own_preprocessing_also_when_saved(
    network, module, application, tmp_path
):
    model = application(f"model.application={network}", "norm=none", shape=(32, 32, 1))
    way = before_the_network(model)
    pictures = GENERATOR.random((2, 32, 32, 1), np.float32)
    colors = np.repeat(pictures, 3, axis=-1) * np.float32(255)
    wanted = getattr(keras.applications, module).preprocess_input(colors.copy())
    np.testing.assert_allclose(way(pictures), wanted, atol=1e-4)
    way.save(tmp_path / "way.keras")
    loaded = keras.saving.load_model(tmp_path / "way.keras")
    np.testing.assert_array_equal(loaded(pictures), way(pictures))


def test_pictures_are_brought_to_a_size_or_left_as_they_are(application):
    def shape(*overrides, of=SHAPE):
        return application(*MOBILE, "norm=none", *overrides, shape=of).get_layer("application")

    assert shape().input.shape == (None, 32, 32, 3)
    assert shape("model.side=null", of=(40, 48, 3)).input.shape == (None, 40, 48, 3)


def test_weights_of_a_file_are_the_start_once_the_question_names_them(application, tmp_path):
    network = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.35
    )
    network.set_weights([GENERATOR.random(each.shape) for each in network.weights])
    file = tmp_path / "mobile.weights.h5"
    network.save_weights(file)
    case = (*MOBILE, "norm=batch", f"model.pretrained={file}")
    with pytest.raises(Refusal, match="brings other weights") as refused:
        application(*case)
    digest = re.search(r"weights_digest: '(\w{16})'", str(refused.value)).group(1)
    model = application(*case, f"model.weights_digest='{digest}'")
    found = model.get_layer("application").get_weights()
    for one, other in zip(found, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(model.get_layer("dense").bias.numpy()) == {0.0}


@pytest.mark.parametrize(
    ("overrides", "shape", "says"),
    [
        ((), (40, 1), r"takes pictures .*\(40, 1\); use model=mlp"),
        ((), (8, 8, 2), r"\(h, w, 1\) or \(h, w, 3\)"),
        (("model.application=ResNet5",), SHAPE, "did you mean 'ResNet50'"),
        (("model.application=resnet",), SHAPE, "none of keras.applications"),
        (("model.side=null",), SHAPE, "Input size must be at least 32x32"),
        (("model.alpha=0.5",), SHAPE, "unexpected keyword argument 'alpha'"),
        (("model.pretrained=nowhere.h5",), SHAPE, "nowhere.h5: there is no such file"),
        (("model.pretrained=README.md",), SHAPE, "File format not supported"),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_line(overrides, shape, says, application):
    with pytest.raises(Refusal, match=says) as refused:
        application("norm=none", *overrides, shape=shape)
    assert len(str(refused.value)) < 700
