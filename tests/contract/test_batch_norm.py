"""The fused layer against the definition in double precision, and against Keras's own layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.training.batch_norm import BatchNormalization, moments

GENERATOR = np.random.default_rng(0)
IMAGES = (GENERATOR.normal(2.0, 3.0, (16, 7, 5, 4))).astype(np.float32)
UPSTREAM = GENERATOR.normal(size=IMAGES.shape).astype(np.float32)


def pair(**arguments) -> list[keras.Layer]:
    """Ours and Keras's, built alike, with a gamma and a beta that are not their defaults."""
    layers = [
        kind(momentum=0.9, **arguments)
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer.build(IMAGES.shape)
        for name, value in (("gamma", 1.5), ("beta", -0.5)):
            weight = getattr(layer, name)
            if weight is not None:
                weight.assign(np.full(weight.shape, value, np.float32))
    return layers


def run(layer: keras.Layer, *, training: bool):
    """Return outputs, gradients of sum(outputs * UPSTREAM), and the moving statistics after."""
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=training)
        score = tf.reduce_sum(outputs * UPSTREAM)
    weights = [weight.value for weight in layer.trainable_variables]
    gradients = tape.gradient(score, [images, *weights])
    return [outputs, *gradients, layer.moving_mean.value, layer.moving_variance.value]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_the_fused_kernel_has_keras_numbers(training, trainable, center, scale):
    ours, theirs = pair(center=center, scale=scale)
    ours.trainable = theirs.trainable = trainable
    assert ours.fused(tf.constant(IMAGES))
    for mine, other in zip(
        run(ours, training=training), run(theirs, training=training), strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=2e-5, atol=2e-4)


def test_the_moving_variance_is_the_biased_one():
    ours, _ = pair()
    run(ours, training=True)
    expected = 0.9 * 1 + 0.1 * IMAGES.astype(np.float64).var(axis=(0, 1, 2))
    np.testing.assert_allclose(ours.moving_variance.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("axis", [1, 2])
def test_another_axis_falls_back_to_the_formula(axis):
    ours, theirs = pair(axis=axis)
    assert not ours.fused(tf.constant(IMAGES))
    for mine, other in zip(run(ours, training=True), run(theirs, training=True), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_epsilon_too_small_for_the_kernel_falls_back_to_the_formula():
    ours, theirs = pair(epsilon=1e-5)
    assert not ours.fused(tf.constant(IMAGES))
    for mine, other in zip(run(ours, training=True), run(theirs, training=True), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_both_kernels_sum_in_single_precision_and_miss_the_variance_by_little():
    """Why a CNN's first loss differs: sums over 12,544 values round, in different orders."""
    channels = (0.3 * GENERATOR.normal(size=(16, 28, 28, 8)) + 0.1).astype(np.float32)
    exact = channels.astype(np.float64).var(axis=(0, 1, 2))
    for kind, bound in ((BatchNormalization, 5e-4), (keras.layers.BatchNormalization, 1e-4)):
        layer = kind(momentum=0.0)
        layer(tf.constant(channels), training=True)
        error = np.abs(layer.moving_variance.numpy() / exact - 1).max()
        assert 0 < error < bound


def test_a_channel_without_variance_is_centered_and_stays_finite():
    ours, _ = pair(center=False, scale=False)
    flat = np.full((4, 3, 3, 4), 0.25, np.float32)
    assert np.abs(ours(tf.constant(flat), training=True).numpy()).max() < 1e-5


@pytest.mark.parametrize("count", [1, 12, 100, 128])
@pytest.mark.parametrize("shape", [(16,), (7, 5, 4)])
def test_moments_and_their_gradient_are_those_of_keras_to_the_last_bit(count, shape):
    values = GENERATOR.normal(2.0, 3.0, (count, *shape)).astype(np.float32)
    upstream = GENERATOR.normal(size=(2, shape[-1])).astype(np.float32)

    def run(of):
        @tf.function(input_signature=[tf.TensorSpec((None, *shape), tf.float32)])
        def graph(values):
            with tf.GradientTape() as tape:
                tape.watch(values)
                found = of(values)
                score = tf.reduce_sum(tf.stack(found) * upstream)
            return *found, tape.gradient(score, values)

        return graph(values)

    axes = list(range(len(shape)))
    keras_moments = run(lambda values: keras.ops.moments(values, axes=axes))
    for mine, other in zip(run(moments), keras_moments, strict=True):
        np.testing.assert_array_equal(mine, other)
