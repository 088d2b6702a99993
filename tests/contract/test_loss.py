"""The engine's loss and tally against Keras's, value and gradient, to the last bit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.components import build, resolve
from pipeline.records import Component
from pipeline.tasks.classification import Classification
from pipeline.tasks.regression import Regression
from pipeline.training.loss import cross_entropy, hits, loss_of, tally_of

GENERATOR = np.random.default_rng(0)


def keras_loss(labels, logits):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)


def our_loss(labels, logits):
    return cross_entropy(labels, logits, tf.cast(tf.shape(logits)[0], tf.float32))


def run(loss, labels, logits, factor):
    """Return the loss in a graph with an open batch size, and `factor` times its gradient."""
    signature = [tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None, 10), tf.float32)]

    @tf.function(input_signature=signature)
    def graph(labels, logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
            scaled = value * factor
        return value, tape.gradient(scaled, logits)

    return [each.numpy() for each in graph(tf.constant(labels), tf.constant(logits))]


def logits_of(kind: str, count: int) -> np.ndarray:
    logits = GENERATOR.normal(0.0, 3.0, (count, 10)).astype(np.float32)
    if kind == "large":
        logits *= 1e4
    if kind == "without some classes":
        logits[:, ::3] = -np.inf
    if kind == "diverged":
        logits[0, 0], logits[-1, 1] = np.nan, np.inf
    return logits


@pytest.mark.parametrize("kind", ["usual", "large", "without some classes", "diverged"])
@pytest.mark.parametrize("count", [1, 12, 100, 128])
@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_loss_and_gradient_are_those_of_keras(kind, count, factor):
    labels, logits = GENERATOR.integers(0, 10, count), logits_of(kind, count)
    mine, theirs = (run(loss, labels, logits, factor) for loss in (our_loss, keras_loss))
    for ours, expected in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float64])
def test_logits_of_another_precision_are_cast_as_keras_casts_them(dtype):
    labels, logits = GENERATOR.integers(0, 10, 12), tf.cast(logits_of("usual", 12), dtype)
    mine, theirs = our_loss(tf.constant(labels), logits), keras_loss(labels, logits)
    assert mine.dtype == theirs.dtype
    assert mine.numpy() == theirs.numpy()


def test_classification_goes_to_the_loss_and_the_tally_of_our_own():
    assert loss_of(Classification.loss) is cross_entropy
    assert tally_of(Classification.tally) is hits


@pytest.mark.parametrize("kind", ["usual", "large", "without some classes"])
def test_the_tally_is_that_of_keras(kind):
    labels, logits = tf.constant(GENERATOR.integers(0, 10, 100)), logits_of(kind, 100)
    mine = tf.cast(hits(labels, tf.constant(logits)), tf.float32)
    np.testing.assert_array_equal(mine, resolve(Classification.tally)(labels, logits))
    assert 0 < float(tf.reduce_sum(mine)) < 100


@pytest.mark.parametrize(
    "component",
    [
        Regression.loss,
        Component(target="keras.losses.Huber", arguments={"delta": 0.5}),
        Component(
            target="keras.losses.SparseCategoricalCrossentropy", arguments={"from_logits": False}
        ),
    ],
)
def test_another_loss_is_keras_s_itself(component):
    count = tf.constant(12.0)
    outputs = tf.nn.softmax(GENERATOR.normal(size=(12, 3)).astype(np.float32))
    targets = GENERATOR.normal(size=(12, 3)).astype(np.float32)
    if "Sparse" in component.target:
        targets = GENERATOR.integers(0, 3, 12)
    assert loss_of(component)(targets, outputs, count) == build(component)(targets, outputs)


def test_the_tally_of_a_regression_is_each_example_s_mean_squared_error():
    targets, outputs = (GENERATOR.normal(size=(12, 3)).astype(np.float32) for _ in range(2))
    found = tally_of(Regression.tally)(targets, outputs)
    np.testing.assert_allclose(found, ((targets - outputs) ** 2).mean(axis=1), rtol=1e-6)
