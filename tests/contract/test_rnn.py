"""The recurrent network: what it reads, and norms on and in its recurrence, against twins."""

from functools import partial

import keras
import numpy as np
import pytest

from pipeline.errors import Refusal

SHAPE, OUTPUTS = (28, 28, 1), 10
GENERATOR = np.random.default_rng(0)


@pytest.fixture
def rnn(built_model):
    """Builds it under overrides."""
    return partial(built_model, "model=rnn")


@pytest.mark.parametrize(
    ("overrides", "weights"),
    [
        # four gates of 28 * 64 + 64 * 64 + 64; 64 * 10 + 10
        (("norm=none",), 24_458),
        # three, with two biases
        (("norm=none", "model.cell=gru"), 3 * (28 * 64 + 64 * 64 + 2 * 64) + 650),
        (("norm=none", "model.depth=2"), 24_458 + 4 * (64 * 64 + 64 * 64 + 64)),
        (("norm=none", "model.rows_per_step=7"), 24_458 + 4 * 6 * 28 * 64),
        (("norm=none", "model.use_bias=false"), 24_458 - 4 * 64),
        (("norm=layer",), 24_458 + 2 * 64),
        # gamma and beta of the gates, twice, and of the cell state
        (("norm=layer_inside",), 24_458 + 2 * (256 + 256 + 64)),
        # and mean and variance at each of 4 steps
        (
            ("norm=batch_inside", "model.rows_per_step=7"),
            24_458 + 4 * 6 * 28 * 64 + (2 + 2 * 4) * (256 + 256 + 64),
        ),
        (("norm=layer_inside", "model.cell=gru"), 3 * (28 * 64 + 64 * 64 + 128) + 650 + 4 * 192),
    ],
)
def test_it_has_as_many_weights_as_arithmetic_says(overrides, weights, rnn):
    assert rnn(*overrides).count_params() == weights


@pytest.mark.parametrize("arm", ["none", "layer_inside"])
def test_forget_gates_start_open_as_keras_has_them(arm, rnn):
    wanted = keras.layers.LSTM(64)
    wanted.build((None, 28, 28))
    layer = rnn(f"norm={arm}").get_layer("lstm_0")
    np.testing.assert_array_equal(layer.cell.bias.numpy(), wanted.cell.bias.numpy())


def test_statistics_on_outputs_are_over_time_and_inside_of_each_step(rnn):
    outside = rnn("norm=batch").get_layer("norm_0")
    assert outside.input.shape == (None, 28, 64)
    assert outside.moving_mean.shape == (64,)
    inside = rnn("norm=batch_inside", "model.rows_per_step=7").get_layer("lstm_0")
    norms = (inside.input_norm, inside.state_norm, inside.cell_norm)
    assert [norm.moving_mean.shape for norm in norms] == [(4, 256), (4, 256), (4, 64)]
    assert [norm.moving_variance.shape for norm in norms] == [(4, 256), (4, 256), (4, 64)]
    assert {float(value) for norm in norms for value in norm.gamma.numpy()} == {np.float32(0.1)}


@pytest.mark.parametrize(
    ("shape", "rows", "sequence"), [((40, 1), 4, (10, 4)), (SHAPE, 2, (14, 56))]
)
def test_a_step_reads_so_many_rows_or_points(shape, rows, sequence, rnn):
    model = rnn("norm=none", f"model.rows_per_step={rows}", shape=shape)
    examples = GENERATOR.random((2, *shape), np.float32)
    read = keras.Model(model.input, model.get_layer("sequence").output)(examples)
    np.testing.assert_array_equal(read, examples.reshape(2, *sequence))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_with_norms_that_do_nothing_it_is_keras_s_own_layer(cell):
    from pipeline.models.recurrence import NormalizedRecurrence

    x = GENERATOR.normal(size=(6, 5, 3)).astype(np.float32)
    plain = getattr(keras.layers, cell)(4, return_sequences=True)
    wanted = plain(x)
    norms = {f"{place}_norm": keras.layers.Identity() for place in ("input", "state", "cell")}
    if cell == "GRU":
        norms["cell_norm"] = None
    ours = NormalizedRecurrence(cell=getattr(keras.layers, f"{cell}Cell")(4), **norms)
    ours.build(x.shape)
    assert [each.shape for each in ours.weights] == [each.shape for each in plain.weights]
    weights = [GENERATOR.normal(size=each.shape) for each in plain.weights]
    plain.set_weights(weights)
    ours.set_weights(weights)
    assert np.abs(plain(x) - wanted).max() > 0.1
    np.testing.assert_allclose(ours(x), plain(x), atol=1e-6)


def test_an_lstm_with_layer_norms_inside_is_the_paper_s():
    """Ba, Kiros and Hinton (2016), equations 20 to 22, in NumPy; Keras's order of gates."""
    from pipeline.models.recurrence import NormalizedRecurrence

    def normalized(x):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)

    def squashed(x):
        return 1 / (1 + np.exp(-x))

    x = GENERATOR.normal(size=(6, 5, 3)).astype(np.float32)
    norms = {f"{n}_norm": keras.layers.LayerNormalization() for n in ("input", "state", "cell")}
    layer = NormalizedRecurrence(cell=keras.layers.LSTMCell(4), **norms)
    found = layer(x)
    kernel, recurrent, bias = (each.numpy().astype(float) for each in layer.cell.weights)
    h, c = np.zeros((6, 4)), np.zeros((6, 4))
    for step in range(5):
        gates = normalized(x[:, step] @ kernel) + normalized(h @ recurrent) + bias
        i, f, g, o = np.split(gates, 4, axis=1)
        c = squashed(f) * c + squashed(i) * np.tanh(g)
        h = squashed(o) * np.tanh(normalized(c))
        np.testing.assert_allclose(found[:, step], h, atol=1e-5)


def test_each_step_is_normalized_by_its_own_statistics_and_averaged():
    from pipeline.models.recurrence import StepBatchNormalization

    x = GENERATOR.normal(3.0, [[[1.0]], [[2.0]], [[4.0]]], size=(3, 50, 2)).transpose(1, 0, 2)
    layer = StepBatchNormalization(momentum=0.9, epsilon=1e-9, gamma=0.1, center=True)
    out = layer(x.astype(np.float32), training=True).numpy()
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(out.std(axis=0), 0.1, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(axis=0), rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_averages_of_one_batch_let_it_come_out_as_in_training(cell, rnn):
    """At a momentum of 0 the averages are the batch's own statistics, of every step and place."""
    case = ("norm=batch_inside", "norm.momentum=0.0", "model.rows_per_step=7", "model.width=8")
    model = rnn(*case, f"model.cell={cell}")
    pictures = GENERATOR.random((32, *SHAPE), np.float32)
    before = model(pictures, training=False).numpy()
    training = model(pictures, training=True).numpy()
    np.testing.assert_allclose(model(pictures, training=False), training, atol=1e-4)
    assert np.abs(before - training).max() > 0.01
    layer = model.get_layer(f"{cell}_0")
    assert len(np.unique(layer.state_norm.moving_variance.numpy()[1:], axis=0)) == 3


@pytest.mark.parametrize(
    ("overrides", "shape", "says"),
    [
        ((), (12,), r"takes pictures \(h, w, c\) or sequences.*\(12,\); use model=mlp"),
        (("model.rows_per_step=5",), SHAPE, "rows_per_step=5: must divide the 28 rows"),
        (("norm=batch_default", "norm.placement=inside"), SHAPE, "take norm=batch_inside"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(overrides, shape, says, rnn):
    with pytest.raises(Refusal, match=says):
        rnn(*overrides, shape=shape)


def test_statistics_of_each_step_may_stand_on_outputs_and_need_steps(rnn, asked):
    from pipeline.training.setting import built

    case = ("norm=batch_inside", "norm.placement=before")
    norm = rnn(*case, "model.rows_per_step=7").get_layer("norm_0")
    assert norm.moving_mean.shape == (4, 64)
    with pytest.raises(Refusal, match=r"takes sequences.*not \(None, 256\)"):
        built(asked("model=mlp", *case), SHAPE, OUTPUTS)


def test_a_result_says_how_the_recurrence_ran(asked, folder):
    from pipeline.training import engine

    case = ("model=rnn", "model.rows_per_step=14", "model.width=4")
    kernels = {
        arm: engine.train(asked(*case, f"norm={arm}"), folder).result.kernels
        for arm in ("none", "batch", "layer_inside")
    }
    assert {arm: each["recurrence"] for arm, each in kernels.items()} == {
        "none": "loop",
        "batch": "loop",
        "layer_inside": "steps",
    }
    assert kernels["batch"]["norm"] == "formula"
    assert "recurrence" not in engine.train(asked(), folder).result.kernels


def test_keras_s_recurrences_are_told_by_how_they_run():
    from pipeline.training.private_keras import recurrence_kernel

    def model(*layers):
        return keras.Sequential([keras.Input((4, 3)), *layers, keras.layers.Dense(2)])

    layers = keras.layers
    assert recurrence_kernel(model(layers.LSTM(2))) == {"recurrence": "loop"}
    assert recurrence_kernel(model(layers.GRU(2, unroll=True))) == {"recurrence": "steps"}
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True)), layers.LSTM(2, unroll=True)
    assert recurrence_kernel(model(*both)) == {"recurrence": "loop and steps"}
    assert recurrence_kernel(model()) == {}
    fused = layers.LSTM(2)
    fused.supports_jit = False  # what Keras sets where a GPU lets it take its fused kernel
    assert recurrence_kernel(model(fused)) == {"recurrence": "cudnn"}
