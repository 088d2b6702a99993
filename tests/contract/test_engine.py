"""The engine against plain Keras, and against itself: reused, fresh, in another process."""

import numpy as np
import pytest
from cases import OPTIMIZERS, cases, overrides, partly

from pipeline.records import Component

CASES = cases(OPTIMIZERS)

# Where the engine's kernels are not Keras's formula to the bit. Adam's kernel rounds otherwise
# than Keras's sequence of operations, and its first steps are as large for small gradients as
# for large ones; the fused batch norm sums 12,544 values in another order (test_batch_norm.py).
# Training amplifies both. Seen in an epoch's mean loss, relative: 0.005 in the first 13 steps;
# after 52 steps 0.011, and 0.1 of a loss below 0.1 where the norm follows the activation.
FIRST = {"rtol": 1e-2}
LATER = {"rtol": 3e-2, "atol": 2e-2}
REGRESSION = {"rtol": 1e-4}
REGRESSED = [("mlp", "none"), ("mlp", "batch"), ("mlp", "layer"), ("cnn", "batch")]
REGRESSED += [("mlp_residual", "batch"), ("resnet", "batch"), ("rnn", "batch_inside")]
REUSED = ("mlp", "cnn", "mlp_residual", "variant")  # a graph is kept whatever stands in it


def test_every_optimizer_is_found():
    assert {"adam", "sgd"} <= set(OPTIMIZERS)
    assert len(CASES) >= 150


@pytest.mark.parametrize(("model", "arm", "optimizer"), CASES)
def test_the_engine_trains_as_plain_keras_does(model, arm, optimizer, asked, folder):
    """52 steps; to the last bit where engine and Keras run the same formula."""
    from pipeline.training import engine, fit

    common = [*overrides(model, arm, optimizer), "batch_size=16", "examples=208", "epochs=4"]
    mine = engine.train(asked(*common, "trainer=engine"), folder).result
    twin = fit.train(asked(*common, "trainer=fit"), folder).result
    assert mine.steps == twin.steps == 52
    losses = [result.curves["training_loss"] for result in (mine, twin)]
    if "fused" in mine.kernels["norm"] or optimizer == "adam":
        np.testing.assert_allclose(losses[0][0], losses[1][0], **FIRST)
        np.testing.assert_allclose(*losses, **LATER)
    else:
        assert mine.weights_digest == twin.weights_digest
        assert mine.metrics == twin.metrics


@pytest.mark.parametrize(
    ("model", "arm", "optimizer"),
    partly(
        [(*pair, optimizer) for pair in REGRESSED for optimizer in ("adam", "sgd")],
        [(*pair, "sgd") for pair in REGRESSED[:4]],
    ),
)
def test_the_engine_regresses_as_plain_keras_does(model, arm, optimizer, asked, numbers):
    """52 steps of mean squared error; to the last bit where both run the same formula.

    Seen beyond that in an epoch's mean loss, relative: 0.000013.
    """
    from pipeline.training import engine, fit

    folder = numbers(8, 8, 1)
    common = [*overrides(model, arm, optimizer), "dataset.task=regression", "batch_size=16"]
    common += ["examples=208", "epochs=4", "optimizer.learning_rate=0.001"]
    mine = engine.train(asked(*common, "trainer=engine", of=folder), folder).result
    twin = fit.train(asked(*common, "trainer=fit", of=folder), folder).result
    assert mine.steps == twin.steps == 52
    losses = [result.curves["training_loss"] for result in (mine, twin)]
    scores = [result.curves["training_score"] for result in (mine, twin)]
    np.testing.assert_allclose(*scores, atol=REGRESSION["rtol"])
    if "fused" in mine.kernels["norm"] or optimizer == "adam":
        np.testing.assert_allclose(*losses, **REGRESSION)
    else:
        assert mine.weights_digest == twin.weights_digest
        assert mine.metrics == twin.metrics


@pytest.mark.parametrize(
    ("model", "arm", "optimizer"),
    partly(
        [case.values for case in CASES],
        [case.values for case in CASES if not case.marks and case.values[0] in REUSED],
    ),
)
def test_a_reused_graph_gives_the_bits_of_a_fresh_one(model, arm, optimizer, asked, folder):
    from pipeline.training import engine

    case = overrides(model, arm, optimizer)
    engine._graphs.clear()
    fresh = engine.train(asked(*case), folder).result
    other = ["seed=7", "optimizer.learning_rate=0.02", "epochs=2"]
    layer = asked(*case).norm.layer
    momentum = ["norm.momentum=0.7"] if layer and engine._is_ours(layer) else []
    between = engine.train(asked(*case, *other, *momentum), folder).result
    assert len(engine._graphs) == 1
    assert engine.train(asked(*case), folder).result == fresh
    assert between.weights_digest != fresh.weights_digest


def test_one_graph_serves_all_batch_sizes_to_the_last_bit(asked, folder):
    """And one that is no power of two: means over it are divisions, for Keras as for us."""
    from pipeline.training import engine, fit

    engine._graphs.clear()
    case = ["norm=batch", "optimizer=sgd"]
    for size in ("16", "12", "100"):
        mine = engine.train(asked(*case, f"batch_size={size}"), folder).result
        twin = fit.train(asked(*case, f"batch_size={size}", "trainer=fit"), folder).result
        assert mine.weights_digest == twin.weights_digest
    assert len(engine._graphs) == 1


def test_epsilon_is_an_input_off_the_fused_kernel_and_part_of_the_graph_on_it(asked, folder):
    from pipeline.training import engine

    for model, graphs in (("mlp", 1), ("cnn", 2)):
        engine._graphs.clear()
        for epsilon in ("0.001", "0.1"):
            engine.train(asked(f"model={model}", "norm=batch", f"norm.epsilon={epsilon}"), folder)
        assert len(engine._graphs) == graphs


def test_epsilon_as_an_input_gives_the_bits_of_a_constant(asked, folder):
    from pipeline.training import engine, fit

    case = ["norm=batch", "optimizer=sgd", "norm.epsilon=0.05", "norm.momentum=0.8"]
    engine.train(asked(*case[:2]), folder)
    mine = engine.train(asked(*case), folder).result
    assert (
        mine.weights_digest == fit.train(asked(*case, "trainer=fit"), folder).result.weights_digest
    )


def test_the_number_of_graphs_is_bounded(asked, folder, monkeypatch):
    from pipeline.training import engine

    engine._graphs.clear()
    monkeypatch.setattr("pipeline.training.graphs.GRAPHS_KEPT", 2)
    for width in (8, 16, 32):
        engine.train(asked(f"model.width={width}"), folder)
    assert len(engine._graphs) == 2


def test_shadow_averages_are_those_of_a_run_with_that_momentum(asked, folder):
    from pipeline.training import engine

    case = ["norm=batch", "epochs=3"]
    shadowed = engine.train(asked(*case, "probes.shadow_momenta=[0.5,0.9]"), folder).result
    for momentum in ("0.5", "0.9"):
        alone = engine.train(asked(*case, f"norm.momentum={momentum}"), folder).result
        curve = shadowed.curves[f"validation_score_momentum_{momentum}"]
        assert curve == alone.curves["validation_score"]
    unshadowed = engine.train(asked(*case), folder).result
    assert shadowed.weights_digest == unshadowed.weights_digest


@pytest.mark.parametrize(
    ("optimizer", "spared"),
    partly(
        [(optimizer, spared) for optimizer in ("adam", "sgd") for spared in (True, False)],
        [("adam", True), ("sgd", False)],
    ),
)
def test_weight_decay_is_keras_s_and_spares_gamma_and_beta_unless_asked(
    optimizer, spared, asked, folder
):
    from pipeline.training import engine, fit

    case = [f"optimizer={optimizer}", "optimizer.weight_decay=5.0", "norm=batch"]
    case += [f"decay_norm_weights={not spared}"]
    mine = engine.train(asked(*case), folder)
    twin = fit.train(asked(*case, "trainer=fit"), folder)
    without = engine.train(asked(f"optimizer={optimizer}", "norm=batch"), folder)
    assert without.result.weights_digest != mine.result.weights_digest
    for one, other in zip(mine.model().variables, twin.model().variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-3, atol=1e-3)
    gamma = mine.model().get_layer("norm_0").gamma.numpy()
    assert (gamma.mean() > 0.99) == spared


def test_one_graph_serves_all_weight_decays_through_keras_too(asked, folder):
    from pipeline.training import engine, fit

    engine._graphs.clear()
    for decay in ("0.5", "5.0"):
        case = ["optimizer=sgd", "+optimizer.clipnorm=1.0", f"optimizer.weight_decay={decay}"]
        mine = engine.train(asked(*case), folder).result
        assert mine.kernels["optimizer"] == "keras"
        twin = fit.train(asked(*case, "trainer=fit"), folder).result
        assert mine.weights_digest == twin.weights_digest
    assert len(engine._graphs) == 1


HALF_ARMS = ("none", "batch", "layer")
HALF = """
import keras

def build(shape, outputs, norm, *, policy):
    images = keras.Input(shape)
    x = keras.layers.Flatten(name="flat", dtype=policy)(images)
    x = keras.layers.Dense(16, name="dense", dtype=policy)(x)
    x = norm(x, name="norm", activation="relu")
    return keras.Model(images, keras.layers.Dense(outputs, name="logits", dtype=policy)(x))
"""


@pytest.mark.parametrize(
    ("policy", "arm"),
    partly(
        [(policy, arm) for policy in ("mixed_bfloat16", "float64") for arm in HALF_ARMS],
        [("mixed_bfloat16", "layer"), ("float64", "batch")],
    ),
)
def test_a_model_of_another_precision_trains_as_plain_keras_trains_it(
    policy, arm, asked, folder, tmp_path, monkeypatch
):
    from pipeline.training import engine, fit

    (tmp_path / "precise_model.py").write_text(HALF)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = {"target": "precise_model.build", "arguments": {"policy": policy}}
    trial = asked(f"norm={arm}", "optimizer=sgd", "epochs=2")
    trial = trial.model_copy(update={"model": Component.parse(model)})
    mine = engine.train(trial, folder).result
    twin = fit.train(trial, folder).result
    losses = [result.curves["training_loss"] for result in (mine, twin)]
    np.testing.assert_allclose(*losses, **FIRST)


def test_an_optimizer_the_kernels_do_not_know_goes_through_keras(asked, folder):
    from pipeline.training import engine, fit

    case = ["optimizer=adam", "optimizer.amsgrad=true", "norm=batch"]
    mine = engine.train(asked(*case), folder).result
    twin = fit.train(asked(*case, "trainer=fit"), folder).result
    assert mine.kernels["optimizer"] == "keras"
    assert mine.weights_digest == twin.weights_digest


def test_a_result_says_which_kernels_ran(asked, folder):
    from pipeline.training import engine

    kernels = {
        (model, arm): engine.train(asked(f"model={model}", f"norm={arm}"), folder).result.kernels
        for model, arm in (("mlp", "batch"), ("cnn", "batch"), ("mlp", "layer"), ("mlp", "none"))
    }
    assert kernels["mlp", "batch"] == {"norm": "formula", "optimizer": "ResourceApplyAdam"}
    assert kernels["cnn", "batch"]["norm"] == "formula and fused"
    assert kernels["mlp", "layer"]["norm"] == "keras"
    assert kernels["mlp", "none"]["norm"] == "none"


DROPOUT = """
import keras


def build(shape, outputs, norm, *, rate):
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(inputs)
    x = norm(keras.layers.Dense(16)(x), name="norm", activation="relu")
    x = keras.layers.Dropout(rate)(x)
    return keras.Model(inputs, keras.layers.Dense(outputs)(x))
"""


def test_a_model_of_the_user_s_own_with_dropout_trains_to_the_same_bits(
    asked, folder, tmp_path, monkeypatch
):
    """Names that Keras gives and masks that dropout draws depend on nothing but the trial."""
    from pipeline.training import engine, fit

    (tmp_path / "theirs.py").write_text(DROPOUT)
    monkeypatch.syspath_prepend(str(tmp_path))
    trial = asked("norm=batch", "optimizer=sgd", "epochs=2").model_copy(
        update={"model": Component(target="theirs.build", arguments={"rate": 0.3})}
    )
    fresh = engine.train(trial, folder).result
    engine.train(asked("norm=layer"), folder)
    engine.train(trial.model_copy(update={"seed": 9}), folder)
    assert engine.train(trial, folder).result == fresh
    engine._graphs.clear()
    assert engine.train(trial, folder).result == fresh
    twin = fit.train(trial, folder).result
    assert twin.weights_digest == fresh.weights_digest


MIXED = """
import keras


def build(shape, outputs, norm, *, policy, last):
    examples = keras.Input(shape)
    x = keras.layers.Flatten(name="flat")(examples)
    keras.config.set_dtype_policy(policy)
    x = norm(keras.layers.Dense(16, name="first")(x), name="norm", activation="relu")
    return keras.Model(examples, keras.layers.Dense(outputs, name="logits", dtype=last)(x))
"""


@pytest.mark.parametrize(
    ("arm", "last", "policy"),
    partly(
        [
            (arm, last, policy)
            for arm in HALF_ARMS
            for last in (None, "float32")
            for policy in ("mixed_bfloat16", "mixed_float16")
        ],
        [("batch", None, "mixed_bfloat16"), ("layer", "float32", "mixed_float16")],
    ),
)
def test_a_model_in_mixed_precision_trains_as_plain_keras_trains_it(
    arm, last, policy, asked, folder, tmp_path, monkeypatch
):
    """Half precision has 8 or 11 bits: losses agree to a hundredth. Its policy ends with it."""
    import keras

    from pipeline.training import engine, fit

    (tmp_path / "mixed.py").write_text(MIXED)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = Component(target="mixed.build", arguments={"policy": policy, "last": last})
    case = ("optimizer=sgd", "epochs=3", f"norm={arm}")
    trial = asked(*case).model_copy(update={"model": model})
    mine, twin = (trainer.train(trial, folder).result for trainer in (engine, fit))
    assert mine.curves["training_loss"][-1] < mine.curves["training_loss"][0]
    losses = [result.curves["training_loss"] for result in (mine, twin)]
    np.testing.assert_allclose(*losses, rtol=1e-2)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_a_loss_s_scale_changes_no_bit_where_it_is_a_power_of_two(trainer, asked, folder):
    from importlib import import_module

    train = import_module(f"pipeline.training.{trainer}").train
    case = ("norm=layer", "optimizer=sgd", f"trainer={trainer}")
    plain, scaled = (
        train(asked(*case, *more), folder).result
        for more in ((), ("+optimizer.loss_scale_factor=1024.0",))
    )
    assert scaled.weights_digest == plain.weights_digest
    assert scaled.metrics == plain.metrics


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_averaged_weights_are_refused_by_name(trainer, asked, folder):
    from importlib import import_module

    from pipeline.errors import Refusal

    train = import_module(f"pipeline.training.{trainer}").train
    with pytest.raises(Refusal, match=r"optimizer\.use_ema: .*leave it out"):
        train(asked("+optimizer.use_ema=true", f"trainer={trainer}"), folder)
