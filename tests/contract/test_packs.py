"""Whether trials could share a step: a product of a pack gives each trial the bits it has alone.

This is the one condition of the design that pipeline/README.md describes under *Many at once*.
"""

import numpy as np
import pytest
import tensorflow as tf

# Ten logits are padded: sums over a batch, and roots, work on 16 columns at once, and give a column
# other bits where those begin elsewhere.
SHAPES = {"first layer": (784, 256), "hidden layer": (256, 128), "padded logits": (128, 16)}


def step(examples, weights, wanted):
    """Return outputs, and gradients of examples and weights, of each trial of a pack."""
    with tf.GradientTape() as tape:
        tape.watch([examples, weights])
        outputs = tf.matmul(examples, weights)
        mean, variance = tf.nn.moments(outputs, axes=[1], keepdims=True)
        normalized = tf.nn.relu((outputs - mean) * tf.math.rsqrt(variance + 1e-3))
        loss = tf.reduce_sum(tf.reduce_mean(tf.square(normalized - wanted), axis=[1, 2]))
    return [outputs, *tape.gradient(loss, [examples, weights])]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch_size", [2, 8, 32, 128])
@pytest.mark.parametrize("pack", [2, 5])
def test_a_trial_s_bits_do_not_depend_on_its_pack(shape, batch_size, pack):
    inputs, units = SHAPES[shape]
    draw = np.random.default_rng(0)
    given = [
        tf.constant(draw.standard_normal((pack, *each), np.float32))
        for each in ((batch_size, inputs), (inputs, units), (batch_size, units))
    ]
    run = tf.function(step, reduce_retracing=True)
    together = run(*given)
    for place in range(pack):
        alone = run(*(each[place : place + 1] for each in given))
        for ours, theirs in zip(together, alone, strict=True):
            np.testing.assert_array_equal(ours[place], theirs[0])
