"""Probes: what they measure, by arithmetic, and that they leave no trace in the training."""

from importlib import import_module

import numpy as np
import pytest
from cases import partly

from pipeline.records import Component

TRAINERS = ["engine", "fit"]
CURVES = {"validation_score_batch", "validation_score_recalibrated"}
WITH_CURVES = "probes.statistics_curves=[batch,recalibrated]"

DROPOUT = """
import keras


def build(shape, outputs, norm, *, rate):
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(inputs)
    x = norm(keras.layers.Dense(16)(x), name="norm", activation="relu")
    x = keras.layers.Dropout(rate)(x)
    return keras.Model(inputs, keras.layers.Dense(outputs)(x))
"""


@pytest.fixture
def with_dropout(tmp_path, monkeypatch):
    """Gives a trial a model that has dropout."""
    (tmp_path / "dropping.py").write_text(DROPOUT)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = Component(target="dropping.build", arguments={"rate": 0.3})
    return lambda trial: trial.model_copy(update={"model": model})


def answered(trial, folder):
    return import_module(f"pipeline.training.{trial.trainer}").train(trial, folder).result


def assert_only_curves_are_added(asked_for, without):
    assert asked_for.weights_digest == without.weights_digest
    assert asked_for.metrics == without.metrics
    assert asked_for.curves.keys() - without.curves.keys() == CURVES
    assert {name: asked_for.curves[name] for name in without.curves} == without.curves


@pytest.mark.parametrize(
    ("model", "trainer"),
    partly(
        [(model, trainer) for model in ("mlp", "cnn") for trainer in TRAINERS],
        [("mlp", "engine"), ("mlp", "fit"), ("cnn", "engine")],
    ),
)
def test_statistics_curves_change_no_bit_of_the_training(model, trainer, asked, folder):
    shadows = ["probes.shadow_momenta=[0.5,0.9]"] if trainer == "engine" else []
    case = ["norm=batch", f"model={model}", "epochs=3", f"trainer={trainer}", *shadows]
    without = answered(asked(*case), folder)
    assert_only_curves_are_added(answered(asked(*case, WITH_CURVES), folder), without)
    assert answered(asked(*case), folder) == without


@pytest.mark.parametrize("trainer", TRAINERS)
def test_dropout_draws_the_same_masks_with_statistics_curves(trainer, with_dropout, asked, folder):
    case = ["norm=batch", "epochs=3", f"trainer={trainer}"]
    with_curves, without = (
        answered(with_dropout(asked(*case, *more)), folder) for more in ([WITH_CURVES], [])
    )
    assert_only_curves_are_added(with_curves, without)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_last_point_of_a_statistics_curve_is_the_metric_of_the_end(trainer, asked, folder):
    case = ["norm=batch", "epochs=3", "steps_per_epoch=[2,2,9]", f"trainer={trainer}"]
    result = answered(asked(*case, WITH_CURVES), folder)
    batch, recalibrated = (result.curves[name] for name in sorted(CURVES))
    assert len(batch) == len(recalibrated) == 3
    assert batch[-1] == result.metrics["gap_batch"]
    assert recalibrated[-1] == result.metrics["validation_score_recalibrated"]


def test_statistics_curves_say_what_a_shorter_training_would_measure(asked, folder):
    whole = answered(asked("norm=batch", "epochs=3", WITH_CURVES), folder)
    for epochs in (1, 2):
        shorter = answered(asked("norm=batch", f"epochs={epochs}"), folder)
        points = [whole.curves[name][epochs - 1] for name in sorted(CURVES)]
        names = ("gap_batch", "validation_score_recalibrated")
        assert points == [shorter.metrics[name] for name in names]


def test_engine_and_twin_measure_the_same(asked, folder):
    """Gradient descent on dense layers has the same bits in both."""
    case = ["norm=batch", "optimizer=sgd", "epochs=3", "steps_per_epoch=[3,4,5]", WITH_CURVES]
    case += ["probes.independence_examples=20", "probes.single_examples=20"]
    mine, twin = (
        answered(asked(*case, f"trainer={each}", split="test"), folder) for each in TRAINERS
    )
    assert mine.weights_digest == twin.weights_digest
    assert mine.metrics == twin.metrics
    assert mine.outcomes == twin.outcomes
    for name in CURVES:
        assert mine.curves[name] == twin.curves[name]


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("arm", ["none", "layer"])
def test_models_without_moving_statistics_have_neither_curves_nor_single_images(
    arm, trainer, asked, folder
):
    case = [f"norm={arm}", f"trainer={trainer}", WITH_CURVES, "probes.single_examples=20"]
    result = answered(asked(*case), folder)
    assert not CURVES & result.curves.keys()
    assert "validation_score_single" not in result.metrics


@pytest.mark.parametrize("model", ["mlp", "cnn"])
@pytest.mark.parametrize("arm", ["none", "layer", "group", "batch"])
def test_outputs_depend_on_batch_mates_under_batch_norm_in_training_alone(
    arm, model, asked, folder
):
    case = [f"model={model}", f"norm={arm}", "probes.independence_examples=20"]
    metrics = answered(asked(*case), folder).metrics
    assert metrics["output_change_inference"] == 0
    assert (metrics["output_change_training"] > 0.01) == (arm == "batch")


def test_dropout_is_no_part_of_an_output_s_change(with_dropout, asked, folder):
    trial = with_dropout(asked("norm=layer", "probes.independence_examples=20"))
    assert answered(trial, folder).metrics["output_change_training"] == 0


def test_an_output_s_change_is_relative_to_the_largest_logit(asked, folder):
    """Arithmetic, on a model whose logits are two pixels' sums over the batch."""
    from pipeline.training.evaluation import Passed
    from pipeline.training.outputs import PROBE, Outputs, Subject
    from pipeline.training.probes import output_changes
    from pipeline.training.setting import arrays, permutation

    trial = asked("probes.independence_examples=10")
    images, _ = arrays(folder, trial.data_digest, "validation")
    order = permutation(trial.seed, PROBE, 100)
    tested, first, second = (images[order[n : n + 10]].mean(axis=(1, 2, 3)) for n in (0, 10, 20))

    def summed(batch, _):
        means = batch.mean(axis=(1, 2, 3))
        return Passed(np.stack([means, means - means.sum()], axis=1), [])

    one, other = (tested - (tested.sum() + mates.sum()) for mates in (first, second))
    expected = (np.abs(one - other) / np.maximum(tested, np.abs(one))).max()

    def constant(batch):
        return np.zeros((len(batch), 2))

    subject = Subject(None, constant, summed, [], {})
    assert output_changes(Outputs(trial, folder, subject)) == {
        "output_change_training": pytest.approx(expected, rel=1e-4),
        "output_change_inference": 0.0,
    }


def test_at_most_a_third_of_the_validation_images_is_given_other_mates(asked, folder):
    """100 validation images: 33 are tested, and there are twice 33 mates."""
    results = [
        answered(asked("norm=batch", f"probes.independence_examples={count}"), folder).metrics
        for count in (33, 34, 1000, 0)
    ]
    assert results[0] == results[1] == results[2]
    assert results[0].keys() - results[3].keys() == {
        "output_change_training",
        "output_change_inference",
    }


def test_a_dense_batch_norm_gives_every_single_image_the_same_class(asked, folder):
    """An image is its own mean, so that beta comes out: right for one class's share of images."""
    from pipeline.training.outputs import PROBE
    from pipeline.training.setting import arrays, permutation

    trial = asked("norm=batch", "probes.single_examples=30")
    _, labels = arrays(folder, trial.data_digest, "validation")
    shares = np.bincount(labels[permutation(trial.seed, PROBE, 100)[:30]]) / 30
    assert answered(trial, folder).metrics["validation_score_single"] in shares


@pytest.mark.parametrize("trainer", TRAINERS)
def test_single_images_go_through_a_cnn_with_batch_norm(trainer, asked, folder):
    case = ["model=cnn", "norm=batch", f"trainer={trainer}", "probes.single_examples=200"]
    single = answered(asked(*case), folder).metrics["validation_score_single"]
    assert single * 100 == pytest.approx(round(single * 100))  # of all 100 there are


@pytest.mark.parametrize("trainer", TRAINERS)
def test_evaluated_class_by_class_is_what_keras_says_in_training_mode(trainer, asked, folder):
    from pipeline.training.setting import arrays

    trial = asked("norm=batch", f"trainer={trainer}", "probes.single_examples=20")
    trained = import_module(f"pipeline.training.{trainer}").train(trial, folder)
    images, labels = arrays(folder, trial.data_digest, "validation")
    order, model, size = np.argsort(labels, kind="stable"), trained.model(), trial.batch_size
    right = []
    for start in range(0, 100, size):
        chosen = order[start : start + size]
        right += list(np.argmax(model(images[chosen], training=True), axis=1) == labels[chosen])
    metrics = trained.result.metrics
    assert metrics["validation_score_sorted"] == pytest.approx(np.mean(right), abs=0.011)
    left = np.argmax(model(images, training=False), axis=1) == labels  # by averages as they moved
    assert metrics["validation_score_leaked"] == pytest.approx(left.mean(), abs=0.011)


def test_a_norm_that_infers_while_it_trains_has_averages_that_never_move(asked, folder):
    found = [
        answered(asked(f"norm={arm}"), folder).metrics["unmoved_layers"]
        for arm in ("batch_inferring", "batch_default")
    ]
    assert found == [1, 0]


def test_channels_that_vary_by_less_than_ten_epsilon_are_counted(asked, folder):
    found = [
        answered(asked("norm=batch", f"norm.epsilon={epsilon}"), folder).metrics["low_variances"]
        for epsilon in (1e-6, 1e3)
    ]
    assert found == [0, 1]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_result_says_which_test_examples_were_classified_correctly(trainer, asked, folder):
    from pipeline.training.setting import arrays

    trial = asked("norm=batch", f"trainer={trainer}", split="test")
    trained = import_module(f"pipeline.training.{trainer}").train(trial, folder)
    images, labels = arrays(folder, trial.data_digest, "test")
    expected = trained.model().predict(images, verbose=0).argmax(axis=1) == labels
    packed = np.frombuffer(bytes.fromhex(trained.result.outcomes["test"]), np.uint8)
    np.testing.assert_array_equal(np.unpackbits(packed, count=100), expected)
    assert expected.mean() == trained.result.metrics["test_score"]
    assert answered(asked("norm=batch", f"trainer={trainer}"), folder).outcomes == {}


@pytest.mark.parametrize(
    ("arm", "weights"),
    [("none", 235_146), ("batch", 235_146 + 2 * 384), ("batch_no_scale", 235_146 + 384)],
)
@pytest.mark.parametrize("trainer", TRAINERS)
def test_parameters_are_those_that_train(arm, weights, trainer, asked, folder):
    """784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10; gamma and beta of 256 + 128 features."""
    result = answered(asked(f"norm={arm}", f"trainer={trainer}"), folder)
    assert result.metrics["parameters"] == weights
