"""What a model's builder may return: weights of its own are kept or drawn, never lost."""

import re

import numpy as np
import pytest

from pipeline.errors import Refusal
from pipeline.records import Component

CODE = """
import keras
import numpy as np

L = keras.layers


def loading(shape, outputs, norm, *, value):
    examples = keras.Input(shape)
    body = L.Dense(4, name="body")
    x = norm(body(examples), name="norm", activation="relu")
    body.set_weights([np.arange(4.0 * shape[0]).reshape(-1, 4) * value, np.ones(4)])
    return keras.Model(examples, L.Dense(outputs, name="logits")(x))


def random(shape, outputs, norm):
    examples = keras.Input(shape)
    body = L.Dense(4, name="body")
    x = norm(body(examples), name="norm", activation="relu")
    body.set_weights([np.random.normal(size=(shape[0], 4)), np.ones(4)])
    return keras.Model(examples, L.Dense(outputs, name="logits")(x))


def own(shape, outputs, norm):
    examples = keras.Input(shape)
    norm(L.Dense(4)(examples), name="nowhere")
    x = L.BatchNormalization(name="mine")(L.Dense(4)(examples))
    return keras.Model(examples, L.Dense(outputs, name="logits")(x))


def ending(shape, outputs, norm, *, how):
    examples = keras.Input(shape)
    x = norm(L.Dense(4)(examples), name="norm")
    if how in ("softmax", "sigmoid"):
        x = L.Dense(outputs, activation=how, name="end")(x)
    elif how == "layer":
        x = L.Softmax(name="end")(L.Dense(outputs)(x))
    elif how == "operation":
        x = keras.ops.softmax(L.Dense(outputs)(x))
    else:
        x = keras.Sequential([L.Dense(outputs), L.Activation("softmax", name="end")])(x)
    return keras.Model(examples, x)
"""
DRAW, KEEP = {"weights": "draw"}, {"weights": "keep"}


@pytest.fixture
def made(asked, tmp_path, monkeypatch):
    """Builds a model by one of the functions above."""
    from pipeline.training.setting import built

    (tmp_path / "builders.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name, arguments, *more, outputs=3):
        model = Component(target=f"builders.{name}", arguments=arguments)
        trial = asked(*(more or ("norm=layer",))).model_copy(update={"model": model})
        return built(trial, (6,), outputs)

    return make


def told(made, arguments):
    """Return the digest that the refusal names."""
    with pytest.raises(Refusal, match=r"body/kernel.*weights: keep.*weights: draw") as refused:
        made("loading", arguments)
    return re.search(r"weights_digest: '(\w{16})'", str(refused.value)).group(1)


def test_weights_that_a_builder_brings_are_kept_where_the_question_names_them(made):
    digest = told(made, {"value": 1.0})
    keep = {"value": 1.0, **KEEP, "weights_digest": digest}
    models = [made("loading", keep, "norm=layer", f"seed={seed}") for seed in (0, 1)]
    for model in models:
        kernel, bias = model.get_layer("body").get_weights()
        np.testing.assert_array_equal(kernel, np.arange(24.0).reshape(6, 4))
        np.testing.assert_array_equal(bias, np.ones(4))
    assert not np.array_equal(*(each.get_layer("logits").kernel.numpy() for each in models))


def test_other_weights_are_another_question(made):
    digest = told(made, {"value": 1.0})
    assert told(made, {"value": 2.0}) != digest
    assert told(made, {"value": 1.0, **KEEP}) == digest
    with pytest.raises(Refusal, match=f"other weights than weights_digest={digest}"):
        made("loading", {"value": 2.0, **KEEP, "weights_digest": digest})


def test_weights_that_a_builder_brings_are_drawn_where_the_file_says_so(made):
    one, two = (made("loading", {"value": value, **DRAW}) for value in (1.0, 2.0))
    for each, other in zip(one.variables, two.variables, strict=True):
        np.testing.assert_array_equal(each.numpy(), other.numpy())
    assert set(one.get_layer("body").bias.numpy()) == {0.0}


def test_random_numbers_are_nothing_to_keep(made):
    with pytest.raises(Refusal) as refused:
        made("random", {})
    digest = re.search(r"weights_digest: '(\w{16})'", str(refused.value)).group(1)
    with pytest.raises(Refusal, match=r"other weights than|random numbers"):
        made("random", {**KEEP, "weights_digest": digest})


def test_kept_weights_are_the_start_of_each_trial_on_one_graph(made, asked, numbers):
    from pipeline.training import engine

    folder = numbers(6)
    digest = told(made, {"value": 1.0})
    keep = {"value": 1.0, **KEEP, "weights_digest": digest}
    model = Component(target="builders.loading", arguments=keep)

    def answer(seed):
        trial = asked("norm=batch", f"seed={seed}", "dataset.task=regression", of=folder)
        return engine.train(trial.model_copy(update={"model": model}), folder).result

    engine._graphs.clear()
    alone = answer(1)
    engine._graphs.clear()
    assert answer(0).weights_digest != alone.weights_digest
    assert answer(1) == alone


def test_a_model_that_leaves_norm_out_is_refused_under_an_arm(made):
    with pytest.raises(Refusal, match=r"all arms would be the same network; its own are mine;"):
        made("own", {}, "norm=batch")
    assert made("own", {}, "norm=none").get_layer("mine")


@pytest.mark.parametrize("how", ["softmax", "sigmoid", "layer", "operation", "within"])
def test_a_model_that_ends_in_probabilities_is_refused_where_logits_are_trained(how, made):
    name = "sigmoid" if how == "sigmoid" else "softmax"
    with pytest.raises(
        Refusal, match=rf"ends in {name} \(\w+\), but mnist_5k is trained on logits"
    ):
        made("ending", {"how": how})
    assert made("ending", {"how": how}, "norm=layer", "dataset.task=regression")
