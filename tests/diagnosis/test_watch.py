"""NormWatch in anybody's fit, and by hand: its figures, what it leaves alone, what it says once."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers
from trained import fitted, network, pictures

from pipeline.diagnosis import NormWatch

FIGURES = {"norm_gap", "norm_drift", "norm_settled", "norm_effective_rate"}


class Written(keras.Model):
    """A subclassed model."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, use_bias=False)
        self.norm = layers.BatchNormalization(name="inner")
        self.flat = layers.Flatten()
        self.out = layers.Dense(4)

    def call(self, x, training=None):
        return self.out(self.flat(keras.ops.relu(self.norm(self.conv(x), training=training))))


WAYS = {
    "several steps at once": (network, {"steps_per_execution": 4}),
    "a subclassed model": (Written, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_epochs_logs_and_an_active_run_of_an_imported_mlflow_have_the_figures(way, monkeypatch):
    told = []
    mlflow = SimpleNamespace(
        active_run=lambda: "a run", log_metrics=lambda figures, step: told.append((step, figures))
    )
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    build, options = WAYS[way]
    x, y = pictures(64)
    watch = NormWatch(*pictures(64, seed=1))
    _, history = fitted(build(), x, y, epochs=2, callbacks=[watch], **options)
    expected = FIGURES - ({"norm_effective_rate"} if build is Written else set())
    assert expected == {name for name in history if name.startswith("norm_")}
    assert all(np.isfinite(history[name]).all() for name in expected)
    assert history["norm_settled"] == pytest.approx([1 - 0.99**8, 1 - 0.99**16])
    assert [(step, set(figures)) for step, figures in told] == [(0, expected), (1, expected)]
    names = {path.rpartition("/")[2] for path in watch.drifts}
    assert names == ({"inner"} if build is Written else {"norm_0", "norm_1"})


@pytest.mark.slow
def test_a_step_compiled_by_xla_is_watched():
    """In a process of its own: XLA and deterministic operations exclude each other in Keras."""
    script = (
        "from trained import fitted, network, pictures\n"
        "from pipeline.diagnosis import NormWatch\n"
        "x, y = pictures(64)\n"
        "watch = NormWatch(x, y)\n"
        "_, told = fitted(network(), x, y, epochs=1, callbacks=[watch], jit_compile=True)\n"
        "print(*sorted(name for name in told if name.startswith('norm_')))\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert set(done.stdout.split()) == FIGURES, done.stderr


def test_mixed_precision_is_watched():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x, y = pictures(64)
        _, history = fitted(network(), x, y, epochs=1, callbacks=[NormWatch(x, y)])
        assert np.isfinite(history["norm_gap"]).all()
    finally:
        keras.config.set_dtype_policy("float32")


def test_watching_moves_no_bit_of_the_training():
    x, y = pictures(64)
    models = []
    for callbacks in ([], [NormWatch(x, y)]):
        model = network(dropout=0.3)
        keras.utils.set_random_seed(7)  # of the order of examples
        models.append(fitted(model, x, y, epochs=3, callbacks=callbacks)[0])
    for left, right in zip(models[0].variables, models[1].variables, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())


def test_it_warns_once_in_words_when_the_averages_ruin_validation(caplog):
    x, y = pictures(64)
    with caplog.at_level(logging.WARNING, "normbench"):
        fitted(network(0.999), x + 3, y, epochs=5, callbacks=[NormWatch(x + 3, y, batch_size=8)])
    said = [each.message for each in caplog.records if "NormWatch" in each.message]
    assert len(said) == 1
    assert "ruined by the moving averages" in said[0]
    assert "norm_0" in said[0] or "norm_1" in said[0]


def test_a_loop_of_ones_own_measures_by_hand_and_every_so_many_epochs_is_kept():
    model = network(0.9)
    watch = NormWatch(pictures(64)[0], batch_size=16, every=2)
    figures = watch.measure(model, steps=10)
    assert figures["norm_settled"] == pytest.approx(1 - 0.9**10)
    assert set(figures) == {"norm_gap", "norm_drift", "norm_settled"}
    logs = {}
    watch.set_model(model)
    watch.on_epoch_end(0, logs)
    assert not logs
    watch.on_epoch_end(1, logs)
    assert "norm_gap" in logs


def test_the_effective_rate_is_the_rate_over_the_filters_mean_squared_length():
    model = network()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    lengths = [
        np.square(model.get_layer(name).kernel.numpy()).reshape(-1, units).sum(axis=0).mean()
        for name, units in (("conv", 8), ("dense", 16))
    ]
    figures = NormWatch(*pictures(16)).measure(model)
    assert figures["norm_effective_rate"] == pytest.approx(0.1 / np.mean(lengths))


def test_a_model_without_batch_norms_has_no_figures():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(4)])
    assert NormWatch(*pictures(8)).measure(model) == {}
