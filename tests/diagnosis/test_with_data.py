"""What people report most, made on purpose: examples tell whether it is the averages, and whose."""

import keras
import numpy as np
import pytest
from keras import layers
from trained import LOSS, fitted, network, pictures

from pipeline.diagnosis import diagnose, recalibrate
from pipeline.diagnosis.custom_loop import train_step, validation_step
from pipeline.errors import Refusal


def codes(found) -> dict[str, str]:
    return {each.code: each.layer for each in found.findings}


def state_of(model) -> list[np.ndarray]:
    return [np.copy(each.numpy()) for each in model.variables]


@pytest.fixture(scope="module")
def healthy():
    x, y = pictures(256)
    model, _ = fitted(network(0.8), x, y, batch_size=32, epochs=8)
    return model, x, y


def test_a_healthy_model_has_nothing_named_and_stays_as_it_was_to_the_bit(healthy):
    model, x, y = healthy
    before = state_of(model)
    found = diagnose(model, x, y, steps=64)
    assert not found.findings
    assert found.measured.moving.score > 0.95
    assert found.measured.mates_at_inference == 0
    assert found.measured.mates_in_training > 0
    assert {each.batch_size for each in found.measured.sizes} == {2, 8, 32, 128}
    for old, new in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fit_near_one_and_evaluate_near_a_half_on_the_same_64_pictures_at_batch_8():
    x, y = pictures(64)
    model, history = fitted(network(0.999), x + 3, y, epochs=6)
    found = diagnose(model, x + 3, y, batch_size=8)
    assert history["accuracy"][-1] > 0.9
    assert found.measured.moving.score < 0.7
    [finding] = [each for each in found.findings if each.code == "averages-ruin-inference"]
    assert finding.rank == "harm"
    assert finding.layer == found.measured.drifts[0].layer
    recalibrate(model, x + 3, batch_size=8)
    mended = model.evaluate(x + 3, y, verbose=0)[1]
    assert mended == pytest.approx(found.measured.recalibrated.score, abs=0.02)
    assert mended > 0.9


def test_the_layer_that_is_to_blame_is_named(healthy):
    model, x, y = healthy
    layer = model.get_layer("norm_1")
    kept = layer.moving_mean.numpy()
    layer.moving_mean.assign(kept + 40 * np.sign(model.get_layer("logits").kernel.numpy()[:, 0]))
    try:
        found = diagnose(model, x, y)
        assert codes(found)["averages-ruin-inference"] == "norm_1"
        first, other = found.measured.drifts
        assert (first.layer, other.layer) == ("norm_1", "norm_0")
        assert first.alone > 0.2 > abs(other.alone)
    finally:
        layer.moving_mean.assign(kept)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_variance_that_is_no_number_is_told_and_mended(value, healthy):
    model, x, y = healthy
    variance = model.get_layer("norm_0").moving_variance
    kept = variance.numpy()
    variance.assign(np.where(np.arange(8) < 2, value, kept))
    try:
        found = diagnose(model, x, y)
        assert found.findings[0].code == "values-invalid"
        assert found.measured.recalibrated.score > 0.95
        recalibrate(model, x)
        assert not diagnose(model, x, y).findings
    finally:
        variance.assign(kept)


def test_without_targets_averages_that_are_far_off_are_told(healthy):
    model, x, _ = healthy
    assert not diagnose(model, x).findings
    assert set(codes(diagnose(model, x + 20))) == {"averages-drifted"}


def test_a_backbone_fine_tuned_on_40_pictures_in_12_epochs_of_4_steps():
    """Branches of several widths, as in an inception block; pretrained on other pictures."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    branches = [
        layers.ReLU()(
            layers.BatchNormalization(name=f"norm_{k}")(layers.Conv2D(4, k, padding="same")(inputs))
        )
        for k in (1, 3, 5)
    ]
    mixed = layers.BatchNormalization(name="mixed")(
        layers.Conv2D(8, 3)(layers.Concatenate()(branches))
    )
    backbone = keras.Model(inputs, layers.ReLU()(mixed), name="backbone")
    recalibrate(backbone, pictures(200, seed=1, scale=0.05)[0])  # what it was pretrained on
    model = keras.Sequential([backbone, layers.Flatten(), layers.Dense(4)])
    x, y = pictures(40)
    x = 20 * (x + 3)  # bytes, and a backbone that knows numbers about 0
    fitted(model, x, y, batch_size=10, epochs=12)
    found = diagnose(model, x, y, batch_size=10, steps=48)
    said = codes(found)
    assert said["averages-not-settled"].startswith("backbone/")
    assert said["averages-ruin-inference"].startswith("backbone/")


def test_two_examples_in_all_leave_a_sign_alone():
    x, y = pictures(2)
    model, _ = fitted(network(0.9), x, y, batch_size=2, epochs=1)
    found = diagnose(model, x, y)
    assert codes(found)["few-values-per-channel"] == "norm_1"


class Always(layers.Layer):
    """Passes training=True to its norm, whatever it is told."""

    def __init__(self):
        super().__init__(name="always")
        self.norm = layers.BatchNormalization(momentum=0.8, name="norm_0")

    def call(self, x):
        return self.norm(x, training=True)


def test_a_norm_that_always_trains_makes_evaluate_move_its_averages():
    x, y = pictures(64)
    model, _ = fitted(network(0.8, norm=Always()), x, y, epochs=8)
    found = codes(diagnose(model, x, y, batch_size=8))
    assert found["evaluate-moves-averages"].endswith("norm_0")
    assert found["answer-depends-on-batch-mates"].endswith("norm_0")


def looped(model, x, y, *, flag: dict) -> None:
    """Train as `train_step` does, but with another flag."""
    optimizer = keras.optimizers.Adam(1e-2)
    for start in range(0, len(x), 8):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = LOSS(y[start : start + 8], model(x[start : start + 8], **flag))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)


@pytest.mark.parametrize("flag", [{"training": False}, {}], ids=["training=False", "forgotten"])
def test_a_loop_that_does_not_train_its_norms_leaves_the_averages_at_their_start(flag):
    x, y = pictures(64)
    model = network()
    looped(model, x, y, flag=flag)
    found = diagnose(model, x, y, batch_size=8).findings
    assert [(each.code, each.rank, each.layer) for each in found[:2]] == [
        ("averages-at-start", "harm", "norm_0"),
        ("averages-at-start", "harm", "norm_1"),
    ]


def test_a_loop_that_moves_averages_while_it_validates_is_told_from_one_that_does_not(healthy):
    model, x, y = healthy
    wrong = diagnose(model, x, y, validate=lambda: model(x[:32], training=True))
    assert codes(wrong) == {"validation-moves-averages": "norm_0"}
    validate = validation_step(model, LOSS)
    assert not diagnose(model, x, y, validate=lambda: validate(x[:32], y[:32])).findings


def test_a_loop_of_ones_own_equals_keras_own_step_to_the_bit():
    x, y = pictures(40)
    ours, keras_own = (network(0.9, dropout=0.3) for _ in range(2))
    optimizers = [keras.optimizers.Adam(1e-2) for _ in range(2)]
    step = train_step(ours, optimizers[0], LOSS)
    keras_own.compile(optimizers[1], LOSS, jit_compile=False)
    for start in range(0, 40, 8):
        batch = x[start : start + 8], y[start : start + 8]
        ours_lost = float(step(*batch))
        keras_own.reset_metrics()
        assert ours_lost == float(keras_own.train_on_batch(*batch))
    pairs = [(ours, keras_own), tuple(optimizers)]
    for one, other in pairs:
        for left, right in zip(one.variables, other.variables, strict=True):
            np.testing.assert_array_equal(left.numpy(), right.numpy())
    assert not np.array_equal(ours.get_layer("norm_0").moving_mean.numpy(), np.zeros(8))


MISTAKES = {
    "several outputs": (
        lambda x, y: (x, y),
        "gives 2 outputs; diagnose a model of the one that is scored",
    ),
    "another shape": (lambda x, y: (x[:, :7], y), "shape (7, 8, 1), but the model takes (8, 8, 1)"),
    "labels outside": (lambda x, y: (x, y + 9), "the model's 4 outputs are for 0 .. 3"),
    "negative labels": (lambda x, y: (x, y - 1), "labels run from -1"),
    "targets missing": (lambda x, y: (x, y[:-1]), "256 examples, but 255 targets"),
    "not numbers": (lambda x, y: (x.astype(str), y), "numbers of shape"),
    "not finite": (lambda x, y: (x / 0, y), "not finite"),
    "two numbers": (lambda x, y: (x, np.zeros((256, 2))), "one number for each output"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_examples_that_do_not_fit_are_refused_in_one_line(mistake, healthy):
    model, x, y = healthy
    change, says = MISTAKES[mistake]
    if mistake == "several outputs":
        model = keras.Model(model.inputs, [model.outputs[0], model.get_layer("dense").output])
    with pytest.raises(Refusal) as refused:
        diagnose(model, *change(x, y))
    assert says in str(refused.value)
