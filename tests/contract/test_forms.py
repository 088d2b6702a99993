"""Which models a builder may return: graphs of layers that draw from the trial's seed alone."""

import re

import numpy as np
import pytest

from pipeline.errors import Refusal
from pipeline.records import Component

CODE = """
import time

import keras
import numpy as np
import tensorflow as tf

L = keras.layers


class Subclassed(keras.Model):
    def __init__(self, outputs):
        super().__init__()
        self.dense = L.Dense(outputs)

    def call(self, x):
        return self.dense(x)


class Stepping(keras.Model):
    def train_step(self, data):
        return {}


class Drawing(L.Layer):
    def __init__(self, how, **more):
        super().__init__(**more)
        self.how, self.generator = how, keras.random.SeedGenerator()

    def call(self, x):
        if self.how == "held":
            return x * keras.random.normal(keras.ops.shape(x), seed=self.generator)
        if self.how == "keras":
            return x * keras.random.normal(keras.ops.shape(x))
        if self.how == "tensorflow":
            return x * tf.random.normal(tf.shape(x))
        return x * (np.random.normal() if self.how == "numpy" else time.perf_counter())


def build(shape, outputs, norm, *, form):
    examples = keras.Input(shape)
    dense = lambda size: L.Dense(size, name=f"dense_{size}")
    made = lambda x=examples: keras.Model(examples, dense(outputs)(x))
    forms = {
        "plain": made,
        "sequential": lambda: keras.Sequential([dense(outputs)]),
        "list": lambda: keras.Model([examples], [dense(outputs)(examples)]),
        "tuple": lambda: keras.Model(examples, (dense(outputs)(examples),)),
        "dictionary": lambda: keras.Model(
            {examples.name: examples}, {"y": dense(outputs)(examples)}),
        "empty": lambda: keras.Sequential(),
        "unfit": lambda: keras.Sequential([L.Conv2D(3, 3), dense(outputs)]),
        "subclassed": lambda: Subclassed(outputs),
        "wrapped": lambda: keras.Model(examples, Subclassed(outputs)(examples)),
        "stepping": lambda: Stepping(examples, dense(outputs)(examples)),
        "two outputs": lambda: keras.Model(
            examples, [dense(outputs)(examples), dense(9)(examples)]),
        "two inputs": lambda: keras.Model([examples, keras.Input((2,))], dense(outputs)(examples)),
        "other examples": lambda: keras.Sequential([keras.Input((9,)), dense(outputs)]),
        "fixed batch": lambda: keras.Sequential(
            [keras.Input(batch_shape=(2, *shape)), dense(outputs)]),
        "told": lambda: keras.Sequential([keras.Input(shape), dense(outputs)]),
        "open": lambda: keras.Sequential([keras.Input((None,)), L.Reshape(shape), dense(outputs)]),
        "text": lambda: keras.Sequential([
            keras.Input(shape, dtype="string"), L.StringLookup(vocabulary=["a"]), dense(outputs)]),
        "whole numbers": lambda: keras.Model(
            examples, keras.ops.cast(dense(outputs)(examples), "int32")),
        "vocabulary": lambda: made(L.Flatten()(L.Embedding(1, 2)(examples))),
        "own norms": lambda: made(L.LayerNormalization(name="mine")(norm(examples, name="norm"))),
        "nested": lambda: made(
            keras.Sequential([L.Dense(3), Drawing("keras", name="noise")])(examples)),
    }
    return forms[form]() if form in forms else made(Drawing(form, name="noise")(examples))


async def later(shape, outputs, norm, *, form):
    return None
"""


@pytest.fixture
def asks(asked, tmp_path, monkeypatch):
    """Makes a trial whose model is of one of the forms above."""
    (tmp_path / "forms_of_models.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def ask(form, *more, name="build", of=None):
        model = Component(target=f"forms_of_models.{name}", arguments={"form": form})
        given = {} if of is None else {"of": of}
        trial = asked(*(more or ("norm=none",)), "dataset.task=regression", **given)
        return trial.model_copy(update={"model": model})

    return ask


TWINS = {"sequential": "told", "open": "told", "list": "plain", "tuple": "plain"}


@pytest.mark.parametrize("form", [*TWINS, "dictionary"])
def test_a_form_that_can_be_built_starts_as_its_plain_twin(form, asks):
    from pipeline.training.setting import built

    plain, other = (built(asks(each), (6,), 2) for each in (TWINS.get(form, "plain"), form))
    assert [tuple(each.shape) for each in other.outputs] == [(None, 2)]
    for one, same in zip(plain.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)
    examples = np.ones((3, 6), np.float32)
    np.testing.assert_array_equal(other(examples), plain(examples))


WAY_OUT = r"keras\.Model\(inputs, "
REFUSED = {
    "empty": r"a Sequential that cannot be built on examples of \(6,\): .*has no layers",
    "unfit": r"a Sequential that cannot be built on examples of \(6,\): .*expected min_ndim=4",
    "subclassed": rf"Subclassed, which has its own call: .*{WAY_OUT}Subclassed",
    "stepping": r"Stepping, which has its own train_step",
    "two outputs": rf"2 outputs \(\S+ \(None, 2\), \S+ \(None, 9\)\); .*{WAY_OUT}outputs\)",
    "two inputs": rf"2 inputs \(\S+ \(None, 6\), \S+ \(None, 2\)\); .*{WAY_OUT}outputs\)",
    "other examples": r"takes \(None, 9\), but is asked about examples of \(None, 6\)",
    "fixed batch": r"takes \(2, 6\), but is asked about examples of \(None, 6\)",
    "text": "takes string",
    "whole numbers": "gives int32",
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_form_that_cannot_be_compared_is_one_line_with_the_way_out(form, asks):
    from pipeline.training.setting import built

    with pytest.raises(Refusal, match=rf"^forms_of_models\.build returned .*{REFUSED[form]}") as r:
        built(asks(form), (6,), 2)
    assert "\n" not in str(r.value)


def test_a_function_that_returns_later_is_no_builder(asks):
    from pipeline.training.setting import built

    with pytest.raises(Refusal, match=r"forms_of_models\.later: is no builder of models"):
        built(asks("plain", name="later"), (6,), 2)


def test_a_model_within_a_graph_of_layers_trains_and_is_kept(asks, numbers):
    from pipeline.training import engine

    folder = numbers(6)
    for form in ("wrapped", "open"):
        trained = engine.train(asks(form, of=folder), folder)
        assert trained.result.status == "ok"
        assert trained.model().output_shape == (None, 2)


@pytest.mark.parametrize("how", ["keras", "tensorflow", "numpy", "clock", "nested"])
def test_a_layer_that_draws_what_the_seed_does_not_decide_is_named(how, asks):
    from pipeline.training.setting import built

    with pytest.raises(Refusal, match=r"layer noise draws random numbers.*SeedGenerator"):
        built(asks(how), (6,), 2)


def test_a_layer_that_holds_its_generator_is_taken_and_left_as_it_was(asks):
    from pipeline.training.setting import built

    states = [
        built(asks("held", "norm=none", f"seed={seed}"), (6,), 2).variables[0].numpy()
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(states[0], states[1])
    assert [state[0] for state in states] == [0, 0, 0]  # nothing was drawn since its start
    assert states[0][1] != states[2][1]


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_layers_that_normalize_beside_the_arms_are_named_in_the_answer(trainer, asks, numbers):
    from pipeline.execution.work import training_module
    from pipeline.stages.advice import shared_norms

    def told(*asked):
        trial = asks(*asked, of=numbers(6))
        result = training_module(trial, trainer).train(trial, numbers(6)).result
        return shared_norms(trial.model.target, result)

    said = told("own norms", "norm=batch")
    assert said.startswith("forms_of_models.build: its model normalizes by layers of its own")
    assert "too (mine), in every arm alike" in said
    assert told("own norms", "norm=none") == ""


def test_what_standardizes_examples_or_a_weight_is_no_norm(asks):
    import keras

    from pipeline.training.builder import own_norms

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Normalization(mean=0.0, variance=1.0),
            layers.SpectralNormalization(layers.Dense(3)),
            *(layers.LayerNormalization(name=f"own_{n}") for n in range(4)),
        ]
    )
    assert own_norms(model) == "own_0, own_1, own_2, ..."


@pytest.mark.parametrize("trainer", ["engine", "fit"])
def test_what_tensorflow_cannot_compute_is_told_by_its_reason(trainer, asks, numbers):
    from pipeline.execution.work import training_module
    from pipeline.stages.named_code import told_in_one_line

    trial = asks("vocabulary", of=numbers(6))
    with pytest.raises(Refusal) as refused, told_in_one_line([trial.model.target]):
        training_module(trial, trainer).train(trial, numbers(6))
    assert re.fullmatch(
        r"forms_of_models\.build: its model cannot be computed: InvalidArgumentError: "
        r"indices\[\d+,\d+\] = \d+ is not in \[0, 1\) \(in \S+GatherV2\)",
        str(refused.value),
    )
