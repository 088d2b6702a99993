"""Every variable of a model is drawn from the seed by name, whatever was there before."""

import inspect

import keras
import numpy as np
import pytest
from keras_layers import DRAWS, NETWORKS, WEIGHTS, WITHOUT

from pipeline.errors import Refusal
from pipeline.records import Component

LAYERS = WEIGHTS | DRAWS
UNSEEDED = ("AugMix",)  # chooses among its chains by Python's own random


@pytest.fixture
def model_of(asked):
    """Builds a model of one of Keras's layers or networks for a seed."""
    from pipeline.training.setting import built

    def make(layer, seed, shape=None):
        model = Component(target="keras_layers.build", arguments={"layer": layer})
        trial = asked("norm=none", f"seed={seed}").model_copy(update={"model": model})
        return built(trial, shape or LAYERS[layer][0], 3)

    return make


def test_every_layer_of_keras_is_known():
    """By classes: Convolution2D is Conv2D. A new Keras that has more of them fails here."""
    found = {
        value
        for value in vars(keras.layers).values()
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
    }
    known = {getattr(keras.layers, name) for name in [*LAYERS, *WITHOUT]}
    assert found == known
    assert (len(WEIGHTS), len(DRAWS), len(WITHOUT)) == (38, 31, 74)


@pytest.mark.parametrize("layer", UNSEEDED)
def test_a_layer_of_keras_that_draws_without_its_seed_is_refused(layer, model_of):
    with pytest.raises(Refusal, match="draws random numbers that the trial's seed does not decide"):
        model_of(layer, 0)


@pytest.mark.parametrize("layer", [each for each in LAYERS if each not in UNSEEDED])
def test_a_layer_of_keras_starts_from_the_seed_alone(layer, model_of):
    """Seed 1 alone, and seed 1 after seed 0 had the same variables."""
    from pipeline.training.weights import draw_weights, weights_digest

    alone, after = model_of(layer, 1), model_of(layer, 0)
    own = [each for each in alone.variables if not each.path.startswith("outputs/")]
    assert own
    before = {id(each): each.numpy() for each in after.variables}
    for variable in after.variables:  # as training leaves them
        variable.assign(np.ones_like(variable.numpy()))
    draw_weights(after, 1)
    assert weights_digest(after) == weights_digest(alone)
    for variable in after.variables:
        random = not set(np.unique(before[id(variable)])) <= {0, 1}  # an LSTM's bias has both
        assert random != np.array_equal(before[id(variable)], variable.numpy())


def test_two_variables_have_two_draws(model_of):
    model = model_of("Bidirectional", 0)
    drawn = [each.numpy() for each in model.variables if each.name == "recurrent_kernel"]
    assert len(drawn) == 2
    assert not np.array_equal(*drawn)


def test_an_lstm_keeps_its_forget_gates_open(model_of):
    """Keras: the forget gate's bias, the second of four, starts at one."""
    model = model_of("LSTMCell", 0)
    [bias] = [each for each in model.variables if each.path.endswith("lstm_cell/bias")]
    np.testing.assert_array_equal(bias.numpy(), np.repeat([0.0, 1.0, 0.0, 0.0], 3))


@pytest.mark.parametrize("layer", ["SpectralNormalization", "GRU", "Dropout"])
def test_a_trial_is_answered_alike_alone_and_after_another_seed(layer, asked, numbers):
    from pipeline.training import engine, fit

    folder = numbers(*LAYERS[layer][0])
    model = Component(target="keras_layers.build", arguments={"layer": layer})
    zero, one = (
        asked("optimizer=sgd", f"seed={seed}", "dataset.task=regression", of=folder).model_copy(
            update={"model": model}
        )
        for seed in (0, 1)
    )
    engine._graphs.clear()
    alone = engine.train(one, folder).result
    engine._graphs.clear()
    assert engine.train(zero, folder).result.weights_digest != alone.weights_digest
    assert engine.train(one, folder).result == alone
    assert fit.train(one, folder).result.weights_digest == alone.weights_digest


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_of_keras_starts_from_the_seed_alone(network, model_of):
    from pipeline.training.weights import draw_weights, weights_digest

    alone, after = (model_of(network, seed, shape=(32, 32, 3)) for seed in (1, 0))
    draw_weights(after, 1)
    assert weights_digest(after) == weights_digest(alone)
    assert len(alone.variables) > 200


SPOILED = """
import keras
import numpy as np


class Projection(keras.layers.Layer):
    def __init__(self, kind, **more):
        super().__init__(**more)
        self.kind = kind

    def build(self, shape):
        size = (shape[-1], 4)
        if self.kind == "initializer":
            initializer = lambda shape, dtype: keras.random.normal(shape, dtype=dtype)
        elif self.kind == "numpy's initializer":
            initializer = lambda shape, dtype: np.random.normal(size=shape)
        elif self.kind == "no seed":
            initializer = lambda shape, dtype: np.random.default_rng().normal(size=shape)
        elif self.kind == "value in an initializer":
            initializer = keras.initializers.Constant(np.random.normal(size=size))
        elif self.kind == "constant":
            initializer = keras.initializers.Constant(np.arange(4.0 * size[0]).reshape(size))
        if self.kind == "value":
            self.matrix = keras.Variable(np.random.normal(size=size), trainable=False, name="w")
        else:
            self.matrix = self.add_weight(
                shape=size, initializer=initializer, trainable=False, name="w"
            )

    def call(self, x):
        return keras.ops.matmul(x, self.matrix)


def build(shape, outputs, norm, *, kind):
    examples = keras.Input(shape)
    x = EARLIER(examples) if kind == "earlier" else Projection(kind, name="p")(examples)
    return keras.Model(examples, keras.layers.Dense(outputs, name="outputs")(x))


EARLIER = keras.layers.Dense(4, name="earlier")
EARLIER.build((None, 6))
"""


@pytest.fixture
def projecting(asked, tmp_path, monkeypatch):
    """Builds a model with a frozen matrix that is made in some way, for a seed."""
    from pipeline.training.setting import built

    (tmp_path / "projections.py").write_text(SPOILED)
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(kind, seed):
        model = Component(target="projections.build", arguments={"kind": kind})
        return built(
            asked("norm=none", f"seed={seed}").model_copy(update={"model": model}), (6,), 3
        )

    return make


@pytest.mark.parametrize("kind", ["initializer", "numpy's initializer", "constant"])
def test_a_frozen_projection_is_drawn_from_the_seed_or_is_a_constant(kind, projecting):
    zero, one, again = (projecting(kind, s).variables[0].numpy() for s in (0, 1, 1))
    np.testing.assert_array_equal(one, again)
    assert np.array_equal(zero, one) == (kind == "constant")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("no seed", r"p/w cannot be drawn.*draws what no seed decides"),
        ("value in an initializer", r"p/w cannot be drawn.*random numbers that no initializer"),
        ("value", r"p/w cannot be drawn.*random numbers that no initializer"),
        ("earlier", r"earlier/kernel it had made before.*within the function"),
    ],
)
def test_what_cannot_be_drawn_from_the_seed_is_refused_by_name(kind, says, projecting):
    with pytest.raises(Refusal, match=says):
        projecting(kind, 0)
