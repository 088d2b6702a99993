"""One trial: its order, its end, its statistics, and the same bits whenever it is asked."""

import numpy as np
import pytest

from pipeline.errors import Refusal

SHAPE, OUTPUTS = (28, 28, 1), 10


def test_the_same_trial_gives_the_same_bits_and_another_seed_gives_others(asked, folder):
    from pipeline.training.engine import train

    first = train(asked("norm=batch"), folder).result
    again = train(asked("norm=batch"), folder).result
    other = train(asked("norm=batch", "seed=1"), folder).result
    assert first == again
    assert first.weights_digest != other.weights_digest


def test_a_trial_does_not_depend_on_what_the_process_trained_before(asked, folder):
    from pipeline.training.engine import train

    before = train(asked("norm=layer"), folder).result
    train(asked("norm=group", "batch_size=16", "seed=3"), folder)
    after = train(asked("norm=layer"), folder).result
    assert before == after


def test_the_order_of_examples_is_a_function_of_seed_and_pass():
    from pipeline.training.setting import permutation

    order = permutation(0, 0, 100)
    assert sorted(order) == list(range(100))
    np.testing.assert_array_equal(order, permutation(0, 0, 100))
    assert not np.array_equal(order, permutation(0, 1, 100))
    assert not np.array_equal(order, permutation(1, 0, 100))


def test_a_last_short_batch_is_left_out(asked, folder):
    from pipeline.training.engine import train

    result = train(asked("norm=batch", "batch_size=100"), folder).result
    assert result.steps == 256 // 100


def test_an_epoch_is_a_pass_unless_a_trial_says_how_many_steps_it_takes(asked):
    from pipeline.training.setting import order, permutation, steps_of

    trial = asked("batch_size=100", "epochs=3")
    for epoch in range(3):
        assert steps_of(trial, epoch) == 2
        np.testing.assert_array_equal(order(trial, epoch), permutation(0, epoch, 256)[:200])


def test_epochs_of_any_length_take_the_passes_steps_one_after_another(asked):
    from pipeline.training.setting import order, permutation

    passes = np.concatenate([permutation(0, number, 256)[:200] for number in range(4)])
    for steps, taken in (("[1,5,2]", 8), ("1", 3), ("2", 6)):
        trial = asked("batch_size=100", "epochs=3", f"steps_per_epoch={steps}")
        orders = [order(trial, epoch) for epoch in range(3)]
        np.testing.assert_array_equal(np.concatenate(orders), passes[: taken * 100])
        if steps == "[1,5,2]":
            assert [len(each) for each in orders] == [100, 500, 200]


@pytest.mark.parametrize("trainer", ["engine", "fit"])
@pytest.mark.parametrize("arm", ["none", "batch"])
def test_where_epochs_end_changes_no_bit_of_the_training(arm, trainer, asked, folder):
    """16 steps: two passes of 256 examples in batches of 32."""
    from importlib import import_module

    train = import_module(f"pipeline.training.{trainer}").train
    common = (f"norm={arm}", f"trainer={trainer}")
    whole = train(asked(*common, "epochs=2"), folder).result
    cut = train(asked(*common, "epochs=4", "steps_per_epoch=[1,4,1,10]"), folder).result
    assert cut.steps == whole.steps == 16
    assert cut.weights_digest == whole.weights_digest
    assert cut.metrics == whole.metrics
    assert {len(curve) for curve in cut.curves.values()} == {4}


def test_a_step_s_losses_belong_to_the_epoch_that_takes_it(asked, folder):
    """Arithmetic: an epoch's loss is the mean of those of its steps."""
    from pipeline.training.engine import train

    def losses(epochs, steps):
        trial = asked("norm=batch", f"epochs={epochs}", f"steps_per_epoch={steps}")
        return train(trial, folder).result.curves["training_loss"]

    each = losses(5, 1)
    np.testing.assert_allclose(losses(2, "[2,3]"), [np.mean(each[:2]), np.mean(each[2:])])


def test_a_diverged_run_ends_early_and_is_a_result_at_chance(asked, folder):
    from pipeline.training.engine import train

    watched = []
    everything = [f"probes.{name}_examples=8" for name in ("independence", "single")]
    everything += [
        "probes.statistics_curves=[batch,recalibrated]",
        "epochs=5",
        "steps_per_epoch=[3,3,3,3,3]",
    ]
    trial = asked("norm=batch", "optimizer.learning_rate=1e30", *everything, split="test")
    result = train(trial, folder, lambda epoch, values: watched.append(epoch)).result
    assert result.status == "diverged"
    assert watched == [0]
    assert result.steps == 3
    assert result.curves["training_loss"] == (None,)
    scores = {name for name in result.metrics if "score" in name or "gap" in name}
    errors = {name for name in result.metrics if "error" in name}
    assert {"test_score", "gap_batch", "validation_score_single"} <= scores
    assert {"test_error", "validation_error_recalibrated"} <= errors
    assert {result.metrics[name] for name in scores} == {0.1}
    assert {result.metrics[name] for name in errors} == {0.9}
    assert result.metrics.keys() - scores - errors == {"parameters"}
    assert result.outcomes == {}


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_a_diverged_regression_scores_what_the_targets_mean_scores(trainer, asked, numbers):
    from importlib import import_module

    from pipeline.training.setting import arrays

    folder = numbers(12)
    case = ("norm=batch", "optimizer=sgd", "optimizer.learning_rate=1e30", f"trainer={trainer}")
    trial = asked(*case, "dataset.task=regression", split="test", of=folder)
    result = import_module(f"pipeline.training.{trainer}").train(trial, folder).result
    assert result.status == "diverged"
    assert {value for name, value in result.metrics.items() if "score" in name} == {0.0}
    for split in ("validation", "test"):
        _, targets = arrays(folder, trial.data_digest, split)
        variance = pytest.approx(targets.astype(np.float64).var(axis=0).mean())
        assert result.metrics[f"{split}_error"] == variance
        assert result.metrics[f"{split}_error_recalibrated"] == variance
    assert result.outcomes == {}


def test_a_regression_is_scored_by_arithmetic(asked, numbers):
    """R2 is one less mean squared error over mean variance; a score's parts add up to it."""
    from pipeline.tasks.regression import Regression
    from pipeline.training.engine import train
    from pipeline.training.setting import arrays

    folder = numbers(12)
    trial = asked("norm=layer", "epochs=8", "dataset.task=regression", split="test", of=folder)
    trained = train(trial, folder)
    metrics, curves = trained.result.metrics, trained.result.curves
    for split in ("validation", "test"):
        examples, targets = arrays(folder, trial.data_digest, split)
        apart = trained.model().predict(examples, verbose=0).astype(np.float64) - targets
        error, spread = (apart**2).mean(), targets.astype(np.float64).var(axis=0).mean()
        assert metrics[f"{split}_error"] == metrics[f"{split}_loss"] == pytest.approx(error)
        assert metrics[f"{split}_score"] == pytest.approx(1 - error / spread)
    parts = Regression().unpacked(trained.result.outcomes["test"], 100)
    np.testing.assert_allclose(parts, 1 - (apart**2).mean(axis=1) / spread, rtol=1e-4, atol=1e-5)
    assert parts.mean() == pytest.approx(metrics["test_score"], abs=1e-6)
    assert curves["validation_score"][-1] == metrics["validation_score"] > 0.5
    _, targets = arrays(folder, trial.data_digest, "train")
    spread = targets.astype(np.float64).var(axis=0).mean()
    for loss, score in zip(curves["training_loss"], curves["training_score"], strict=True):
        assert score == pytest.approx(max(0.0, 1 - loss / spread), abs=1e-5)


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_a_trial_under_its_threshold_is_stopped_there(trainer, asked, folder):
    from importlib import import_module

    from pipeline.records import Trial

    train = import_module(f"pipeline.training.{trainer}").train
    whole = asked("norm=batch", "epochs=4", f"trainer={trainer}")
    curve = train(whole, folder).result.curves["validation_score"]

    def result(*thresholds):
        return train(Trial.parse(whole.plain() | {"thresholds": list(thresholds)}), folder).result

    stopped = result(None, curve[1] + 0.01, None, None)
    assert stopped.status == "pruned"
    assert stopped.curves["validation_score"] == curve[:2]
    assert stopped.steps == 2 * (256 // whole.batch_size)
    assert stopped.metrics["validation_score"] == curve[1]
    going_on = result(None, curve[1], None, None)  # at the threshold is not under it
    assert going_on.status == "ok"
    assert going_on.curves["validation_score"] == curve


def test_recalibrated_statistics_are_those_of_the_training_examples(asked, folder):
    """Against the definition: mean and variance over all examples of the norm's input."""
    import keras

    from pipeline.training.evaluation import batchwise, population, with_moving_statistics
    from pipeline.training.setting import arrays, built

    trial = asked("norm=batch", "model.depth=1")
    images, _ = arrays(folder, trial.data_digest, "train")
    model = built(trial, SHAPE, OUTPUTS)
    inner = keras.Model(model.inputs, model.get_layer("dense_0").output)
    activations = inner.predict(images, verbose=0).astype(np.float64)
    [layer] = with_moving_statistics(model)
    mean, variance = population(batchwise(model, [layer])(images, 64).statistics)
    np.testing.assert_allclose(mean, activations.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(variance, activations.var(axis=0), rtol=1e-4)
    assert set(layer.moving_mean.numpy()) == {0.0}
    assert set(layer.moving_variance.numpy()) == {1.0}
    assert layer.momentum == 0.99


def test_batch_statistics_normalize_each_batch_by_itself(asked, folder):
    """Against numpy: the norm's output over a batch has zero mean and unit variance."""
    import keras

    from pipeline.training.evaluation import batchwise, with_moving_statistics
    from pipeline.training.setting import arrays, built

    trial = asked("norm=batch", "model.depth=1", "norm.epsilon=1e-9")
    images, _ = arrays(folder, trial.data_digest, "train")
    model = built(trial, SHAPE, OUTPUTS)
    inner = keras.Model(model.inputs, model.get_layer("norm_0").output)
    said = batchwise(inner, with_moving_statistics(inner))(images[:160], 64).outputs
    assert len(said) == 160  # the last batch is short
    for normalized in (said[:64], said[64:128], said[128:]):
        np.testing.assert_allclose(normalized.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(normalized.std(axis=0), 1, atol=1e-3)


def test_a_pass_in_one_call_is_one_by_batch_to_the_bit(asked, folder, monkeypatch):
    """However many batches a call into TensorFlow takes; and the model is left as it was."""
    import keras

    from pipeline.training import evaluation
    from pipeline.training.setting import arrays

    images, _ = arrays(folder, asked().data_digest, "train")
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    layers += [keras.layers.Dropout(0.5), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input(SHAPE), *layers])
    layers = evaluation.with_moving_statistics(model)
    run = evaluation.batchwise(model, layers)
    before = [variable.numpy() for variable in model.variables]
    whole = run(images[:100], 32)
    monkeypatch.setattr(evaluation, "CALL_BYTES", 2 * images[:32].nbytes)
    parts = run(images[:100], 32)
    assert [len(rows) for rows in whole.statistics] == [4] * 2 * len(layers)
    for one, other in zip(whole.statistics, parts.statistics, strict=True):
        np.testing.assert_array_equal(one, other)
    first, again = run(images[:32], 32), run(images[:32], 32)
    np.testing.assert_array_equal(first.outputs, again.outputs)  # what dropout draws, too
    np.testing.assert_array_equal(first.outputs, whole.outputs[:32])
    after = [variable.numpy() for variable in model.variables]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_averages_move_as_they_do_in_training():
    """Against the definition, batch by batch."""
    from pipeline.training.evaluation import moved

    means, variances = np.array([[1.0], [3.0]]), np.array([[2.0], [8.0]])
    [mean, variance] = moved([np.zeros(1), np.ones(1)], [means, variances], [0.75])
    assert mean.tolist() == [0.75 * 0.25 * 1 + 0.25 * 3]
    assert variance.tolist() == [0.75 * (0.75 * 1 + 0.25 * 2) + 0.25 * 8]


def test_test_data_are_read_only_when_they_are_asked_for(asked, folder, monkeypatch):
    from pipeline.training import engine, setting

    opened = []
    real = setting.open_split
    monkeypatch.setattr(
        setting, "open_split", lambda place, split: opened.append(split) or real(place, split)
    )
    for cache in (engine._resident, setting.arrays, setting._stored):
        cache.cache_clear()
    engine.train(asked("norm=none"), folder)
    assert set(opened) == {"train", "validation"}
    engine.train(asked("norm=none", split="test"), folder)
    assert "test" in opened


def test_arrays_that_are_not_those_of_the_trial_are_refused(asked, folder):
    from pipeline.training.engine import train

    trial = asked("norm=none").model_copy(update={"data_digest": "0" * 64})
    with pytest.raises(Refusal, match="run prepare again"):
        train(trial, folder)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("+norm.momentun=0.9", "did you mean 'momentum'"),
        ("+optimizer.learning_rat=1", "did you mean 'learning_rate'"),
        ("+model.widht=3", "did you mean 'width'"),
        ("norm._target_=keras.layers.BatchNormalisation", "did you mean 'BatchNormalization'"),
        ("model._target_=pipeline.models.mpl.build", "did you mean 'mlp'"),
        ("optimizer._target_=keras.losses.Huber", "is no subclass of keras.optimizers.Optimizer"),
    ],
)
def test_code_that_does_not_take_its_arguments_is_refused_by_name(override, says, asked, folder):
    from pipeline.training.engine import train

    with pytest.raises(Refusal, match=says):
        train(asked(override), folder)
