"""Every arm in every model: built, paired with the plain arm, trained, saved, loaded."""

import inspect
import itertools
import re
from functools import cache

import numpy as np
import pytest
from cases import ARMS, BESIDE, INSIDE, MODELS, cases, overrides, partly

from pipeline.records import Component

SHAPE, OUTPUTS = (28, 28, 1), 10


def test_all_arms_and_models_are_found():
    assert {"none", "batch", "batch_default", "batch_after", "layer", "group"} <= set(ARMS)
    assert {"batch_no_center", "batch_no_scale", "batch_sabotaged"} <= set(ARMS)
    assert {"mlp", "cnn", "resnet", "rnn", "keras_application"} <= set(MODELS)
    assert INSIDE == ["batch_inside", "layer_inside"]


@pytest.mark.parametrize(("model", "arm"), cases())
def test_an_arm_shifts_nobody_elses_first_weights(model, arm, asked):
    from pipeline.training.setting import built

    weights = {
        name: {
            variable.path: variable.numpy()
            for variable in built(asked(*overrides(model, name)), SHAPE, OUTPUTS).variables
        }
        for name in ("none", arm)
    }
    shared = weights["none"].keys()
    assert shared <= weights[arm].keys()
    for path in shared:
        np.testing.assert_array_equal(weights["none"][path], weights[arm][path])


@pytest.mark.parametrize(("model", "arm"), cases())
def test_an_arm_trains_is_saved_and_loads(model, arm, asked, folder, tmp_path):
    from pipeline.tasks.classification import Classification
    from pipeline.training.engine import train
    from pipeline.training.evaluation import inference
    from pipeline.training.saved import load_model, save_model
    from pipeline.training.setting import arrays

    trial = asked(*overrides(model, arm), "epochs=2", split="test")
    trained = train(trial, folder)
    result, plain = trained.result, trained.model()
    assert result.status == "ok"
    assert result.steps == 2 * (256 // 32)
    assert {len(curve) for curve in result.curves.values()} == {2}
    if arm == "batch_sabotaged":  # ten classes, equally frequent, and nothing to tell them by
        assert result.curves["training_loss"] == pytest.approx([np.log(10)] * 2, abs=0.1)
    else:
        assert result.curves["training_loss"][1] < result.curves["training_loss"][0]
    recalibrated = {"gap_batch", "gap_moving", "gap_recalibrated", "test_score_recalibrated"}
    of_its_own = model == "keras_application"  # batch norms
    assert (recalibrated <= result.metrics.keys()) == (of_its_own or arm.startswith("batch"))

    for name in ("one.keras", "two.keras"):
        save_model(plain, tmp_path / name)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    examples, targets = arrays(folder, trial.data_digest, "test")
    outputs = inference(load_model(tmp_path / "one.keras"))(examples)
    assert Classification().score(outputs, targets, 1.0) == result.metrics["test_score"]


ON_THE_LAST_AXIS = """
import keras


def build(shape, outputs, norm, *, units):
    examples = keras.Input(shape)
    x = keras.layers.Dense(units, name="dense")(examples)
    x = norm(x, name="norm", activation="relu")
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(examples, keras.layers.Dense(outputs, name="outputs")(x))
"""
SHAPES = [(12,), (7, 6), (6, 5, 3)]  # a row of a table, a sequence, a picture


@pytest.mark.parametrize(
    ("arm", "shape"),
    partly(
        list(itertools.product(BESIDE, SHAPES)),
        [*itertools.product(("batch", "layer", "group"), SHAPES), ("batch_after", SHAPES[0])],
    ),
)
def test_an_arm_normalizes_rows_sequences_and_pictures(
    arm, shape, asked, numbers, tmp_path, monkeypatch
):
    """The norm sees 16 channels in as many dimensions as the examples have; the twin agrees."""
    from pipeline.training import engine, fit
    from pipeline.training.saved import load_model, save_model
    from pipeline.training.setting import arrays

    (tmp_path / "on_the_last_axis.py").write_text(ON_THE_LAST_AXIS)
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = numbers(*shape)
    case = (f"norm={arm}", "optimizer=sgd", "epochs=2", "dataset.task=regression")
    model = Component(target="on_the_last_axis.build", arguments={"units": 16})
    trial = asked(*case, split="test", of=folder).model_copy(update={"model": model})
    trained, twin = engine.train(trial, folder), fit.train(trial, folder).result
    result, plain = trained.result, trained.model()
    if arm != "none":
        assert plain.get_layer("norm").input.shape == (None, *shape[:-1], 16)
    subclasses = (
        "batch_sabotaged",
        "batch_inferring",
        "batch_joint",
    )  # of Keras's layer, which stay as they are
    ours = arm.startswith("batch") and arm not in subclasses
    assert (result.kernels["norm"] == "fused") == (ours and len(shape) == 3)
    if result.kernels["norm"] == "fused":
        losses = [each.curves["training_loss"] for each in (result, twin)]
        np.testing.assert_allclose(*losses, rtol=1e-4)
    else:
        assert result.weights_digest == twin.weights_digest
        assert result.metrics == twin.metrics
    assert result.status == "ok"
    if arm != "batch_sabotaged":
        assert result.curves["training_score"][1] > result.curves["training_score"][0]
    save_model(plain, tmp_path / "one.keras")
    examples, _ = arrays(folder, trial.data_digest, "test")
    loaded = load_model(tmp_path / "one.keras")
    np.testing.assert_array_equal(loaded(examples), plain(examples))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mlp_takes_examples_of_any_shape(shape, asked, numbers):
    from pipeline.training.engine import train

    folder = numbers(*shape)
    for arm in ("none", "batch", "layer", "group"):
        trial = asked(f"norm={arm}", "epochs=10", "dataset.task=regression", of=folder)
        assert train(trial, folder).result.curves["training_score"][-1] > 0.5


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_the_cnn_takes_pictures_alone(shape, asked):
    from pipeline.errors import Refusal
    from pipeline.training.setting import built

    with pytest.raises(Refusal, match=r"model=cnn: takes pictures.*use model=mlp"):
        built(asked("model=cnn"), shape, OUTPUTS)


def test_a_model_with_other_outputs_than_the_dataset_s_is_refused(asked, tmp_path, monkeypatch):
    """Else its outputs would be held against the targets by broadcasting, silently."""
    from pipeline.errors import Refusal
    from pipeline.training.setting import built

    text = ON_THE_LAST_AXIS.replace("Dense(outputs,", "Dense(outputs + 1,")
    (tmp_path / "one_too_many.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = Component(target="one_too_many.build", arguments={"units": 16})
    trial = asked("norm=none").model_copy(update={"model": model})
    with pytest.raises(Refusal, match=r"outputs \(None, 11\), but mnist_5k asks for \(None, 10\)"):
        built(trial, SHAPE, OUTPUTS)


@cache
def defaults_of(name: str) -> dict[str, object]:
    import keras

    parameters = inspect.signature(getattr(keras.layers, name).__init__).parameters.values()
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.default is not inspect.Parameter.empty
    }


def test_every_parameter_of_keras_batch_normalization_is_reachable(asked):
    for arm in filter(re.compile("batch(?!_sabotaged)").match, BESIDE):
        layer = asked(f"norm={arm}").norm.layer
        assert layer.arguments.keys() - {"trainable"} == defaults_of("BatchNormalization").keys()


def test_the_default_arm_has_keras_defaults(asked):
    assert asked("norm=batch_default").norm.layer.arguments == defaults_of("BatchNormalization")


@pytest.mark.parametrize("arm", ["batch", "batch_after"])
def test_an_arm_stands_on_its_side_of_the_activation(arm, asked):
    from pipeline.training.setting import built

    names = [layer.name for layer in built(asked(f"norm={arm}"), SHAPE, OUTPUTS).layers]
    before = names.index("norm_0") < names.index("norm_0_activation")
    assert before == (arm == "batch")


@pytest.mark.parametrize("arm", BESIDE)
def test_the_bias_in_front_of_a_norm_follows_one_rule_for_every_arm(arm, asked):
    from pipeline.training.setting import built

    for wanted in (True, False):
        model = built(asked(f"norm={arm}", f"model.use_bias={wanted}"), SHAPE, OUTPUTS)
        assert [model.get_layer(f"dense_{i}").use_bias for i in range(2)] == [wanted, wanted]
        assert model.get_layer("logits").use_bias


@pytest.mark.parametrize(
    ("model", "arm", "weights"),
    [
        # 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
        ("mlp", "none", 235_146),
        # and gamma, beta, two moving statistics for 256 + 128 features
        ("mlp", "batch", 235_146 + 4 * 384),
        # without beta, without gamma
        ("mlp", "batch_no_center", 235_146 + 3 * 384),
        ("mlp", "batch_no_scale", 235_146 + 3 * 384),
        # gamma and beta alone
        ("mlp", "layer", 235_146 + 2 * 384),
        # 9 * 32 + 32 + 9 * 32 * 64 + 64 + 3136 * 128 + 128 + 128 * 10 + 10
        ("cnn", "none", 421_642),
        ("cnn", "batch", 421_642 + 4 * (32 + 64 + 128)),
    ],
)
def test_a_model_has_as_many_weights_as_arithmetic_says(model, arm, weights, asked):
    from pipeline.training.setting import built

    assert built(asked(f"model={model}", f"norm={arm}"), SHAPE, OUTPUTS).count_params() == weights


def test_width_and_depth_are_parameters(asked):
    from pipeline.training.setting import built

    model = built(asked("model.depth=4", "model.width=16", "model.taper=1"), SHAPE, OUTPUTS)
    assert [model.get_layer(f"dense_{i}").units for i in range(4)] == [16] * 4


def test_the_sabotaged_arm_trains_beta_alone_and_lets_nothing_through(asked, folder):
    from pipeline.training.engine import train
    from pipeline.training.setting import arrays, built

    trial = asked("norm=batch_sabotaged", "optimizer.learning_rate=0.01", "optimizer=sgd")
    trained = train(trial, folder)
    before, after = built(trial, SHAPE, OUTPUTS), trained.model()
    for name in ("dense_0", "dense_1"):
        np.testing.assert_array_equal(
            before.get_layer(name).kernel.numpy(), after.get_layer(name).kernel.numpy()
        )
    assert set(after.get_layer("norm_1").gamma.numpy()) == {0.0}
    assert np.ptp(after.get_layer("logits").bias.numpy()) > 0
    images, _ = arrays(folder, trial.data_digest, "test")
    assert np.ptp(after.predict(images, verbose=0), axis=0).max() == 0
    # 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10, and beta for 256 + 128 features
    assert trained.result.metrics["parameters"] == 235_146 + 384


@pytest.mark.parametrize(("name", "value"), [("scale", "false"), ("gamma_initializer", "ones")])
def test_a_sabotage_that_would_let_something_through_is_refused(name, value, asked):
    from pipeline.errors import Refusal
    from pipeline.training.setting import built

    with pytest.raises(Refusal, match="scale must be true and gamma_initializer zeros"):
        built(asked("norm=batch_sabotaged", f"norm.{name}={value}"), SHAPE, OUTPUTS)


@pytest.mark.parametrize("model", ["mlp", "cnn", "resnet", "rnn"])
def test_an_input_scale_multiplies_the_images_and_1_adds_no_layer(model, asked, folder):
    from pipeline.training.evaluation import inference
    from pipeline.training.setting import arrays, built

    images, _ = arrays(folder, asked().data_digest, "validation")
    plain, scaled = (
        built(asked(f"model={model}", f"model.input_scale={scale}"), SHAPE, OUTPUTS)
        for scale in ("1", "0.125")
    )
    names = [[layer.name for layer in each.layers] for each in (plain, scaled)]
    assert names[0][:2] != names[1][:2] == ["examples", "input_scale"]
    assert [name for name in names[1] if name != "input_scale"] == names[0]
    np.testing.assert_array_equal(inference(scaled)(images), inference(plain)(images * 0.125))
