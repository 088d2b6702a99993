"""The engine's epochs through XLA against the engine, over every model that XLA takes."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from cases import ARMS, MODELS, OPTIMIZERS, fits, overrides, partly

from pipeline.errors import Refusal

# XLA fuses what the engine runs one by one, and rounds otherwise. Seen over 52 steps in an epoch's
# mean loss, relative: 0.0000005 in the MLPs.
ROUNDING = {"rtol": 1e-5}
TAKEN = ("mlp", "mlp_residual", "rnn")
CASES = [
    (model, arm, optimizer)
    for model in TAKEN
    for arm in ARMS
    for optimizer in OPTIMIZERS
    if fits(model, arm)
]
QUICK = [("mlp", arm, "adam") for arm in ("none", "batch", "layer")]
QUICK += [("mlp", "group", "sgd"), ("mlp_residual", "batch", "adam"), ("rnn", "batch", "adam")]


def test_a_file_says_what_xla_does_not_take():
    files = {
        model: yaml.safe_load(Path(f"conf/model/{model}.yaml").read_text()) for model in MODELS
    }
    said = {model for model, file in files.items() if not file.get("compiles", True)}
    assert said == {model for model in MODELS if model not in (*TAKEN, "variant")}


@pytest.mark.parametrize(("model", "arm", "optimizer"), partly(CASES, QUICK))
def test_compiled_trains_as_the_engine_does(model, arm, optimizer, asked, folder):
    """52 steps."""
    from pipeline.training import compiled, engine

    common = [*overrides(model, arm, optimizer), "batch_size=16", "examples=208", "epochs=4"]
    plain = engine.train(asked(*common, "trainer=engine"), folder).result
    found = compiled.train(asked(*common, "trainer=compiled"), folder).result
    assert found.steps == plain.steps == 52
    losses = [result.curves["training_loss"] for result in (found, plain)]
    np.testing.assert_allclose(*losses, **ROUNDING)
    assert found.kernels == plain.kernels


def test_a_compiled_graph_serves_trials_as_a_fresh_one_would(asked, folder):
    """Of another rate, seed, momentum, batch size and number of steps."""
    from pipeline.training import compiled, engine

    case = ["norm=batch", "trainer=compiled", "probes.shadow_momenta=[0.5]"]
    other = ["seed=7", "optimizer.learning_rate=0.02", "norm.momentum=0.7", "batch_size=12"]
    engine._graphs.clear()
    fresh = compiled.train(asked(*case), folder).result
    between = compiled.train(asked(*case, *other, "steps_per_epoch=5"), folder).result
    assert compiled.train(asked(*case), folder).result == fresh
    assert len(engine._graphs) == 1
    engine._graphs.clear()
    again = compiled.train(asked(*case, *other, "steps_per_epoch=5"), folder).result
    assert again == between


def test_a_model_that_xla_is_slow_at_is_refused_at_compose(asked):
    with pytest.raises(Refusal, match="trainer must be engine or fit, which train cnn on mnist_5k"):
        asked("model=cnn", "trainer=compiled")
    with pytest.raises(Refusal, match=r"model\.compiles must be true or false, got 3"):
        asked("model=cnn", "model.compiles=3")


def test_a_convolution_in_a_model_of_the_user_s_own_is_refused_before_it_is_compiled(asked, folder):
    from pipeline.training import compiled

    with pytest.raises(Refusal, match=r"has a convolution \(first\), .*use trainer=engine"):
        compiled.train(asked("model=variant", "trainer=compiled"), folder)


UNKNOWN = """
import keras
import tensorflow as tf


class Python(keras.layers.Layer):
    def call(self, inputs):
        seen = tf.numpy_function(lambda values: values, [inputs], tf.float32)
        return inputs + 0.0 * tf.stop_gradient(tf.ensure_shape(seen, inputs.shape))


def build(shape, outputs, norm):
    inputs = keras.Input(shape)
    x = norm(keras.layers.Dense(8)(keras.layers.Flatten()(inputs)), name="n", activation="relu")
    return keras.Model(inputs, keras.layers.Dense(outputs)(Python()(x)))
"""


def test_what_xla_does_not_know_is_refused_in_one_line(asked, folder, tmp_path, monkeypatch):
    from pipeline.records import Component
    from pipeline.training import compiled

    (tmp_path / "unknown_to_xla.py").write_text(UNKNOWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = Component(target="unknown_to_xla.build", arguments={})
    trial = asked("trainer=compiled").model_copy(update={"model": model})
    with pytest.raises(Refusal, match=r"XLA does not compile unknown_to_xla\.build") as refused:
        compiled.train(trial, folder)
    assert "\n" not in str(refused.value)
