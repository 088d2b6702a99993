"""A step's loss and tally: Keras's, and for classification the same numbers with less of a graph.

Keras's sparse categorical cross-entropy looks labels up in a table whose gradient is a
dozen small operations, each of which costs a small step a microsecond or two. Here the
same products and differences are masks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pipeline.components import build, resolve
from pipeline.records import Component

CROSS_ENTROPY = Component(
    target="keras.losses.SparseCategoricalCrossentropy", arguments={"from_logits": True}
)
ACCURACY = "keras.metrics.sparse_categorical_accuracy"
Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
Tally = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def loss_of(component: Component) -> Loss:
    """Return a loss of Keras's as `(targets, outputs, batch size) -> its mean over a batch`.

    Raises:
        Refusal: There is no such loss, or it does not take its arguments.
    """
    if component == CROSS_ENTROPY:
        return cross_entropy
    plain = build(component)
    return lambda targets, outputs, _: plain(targets, outputs)


def tally_of(path: str) -> Tally:
    """Return a function of Keras's as `(targets, outputs) -> a value per example`.

    Raises:
        Refusal: There is no such function.
    """
    if path == ACCURACY:
        return hits
    plain: Tally = resolve(path)
    return plain


def hits(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return whether each label, shape (batch,), has the largest of its logits (batch, classes)."""
    return tf.equal(tf.argmax(logits, axis=-1), labels)


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Return the mean negative log-likelihood of the labels, in nats.

    The numbers of `keras.losses.SparseCategoricalCrossentropy(from_logits=True)` with
    deterministic operations on, and of its gradient with respect to the logits.

    Args:
        labels: Class of each example, int64, shape (batch,).
        logits: Shape (batch, classes); of another precision than float32, they are cast, as Keras
            casts them.
        count: The batch size as a float32 scalar, so that a loop computes it once.
    """
    logits = tf.cast(logits, tf.float32)
    classes = tf.range(logits.shape[-1], dtype=labels.dtype)
    at_label = tf.equal(labels[:, tf.newaxis], classes)

    @tf.custom_gradient
    def mean_of(logits: tf.Tensor) -> tuple[tf.Tensor, Any]:
        logs = tf.nn.log_softmax(logits)
        likelihoods = tf.reduce_sum(tf.where(at_label, logs, 0.0), axis=-1)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            share = -tf.math.divide_no_nan(upstream, count)
            return tf.where(at_label, share, 0.0) - tf.exp(logs) * share

        return tf.math.divide_no_nan(tf.reduce_sum(-likelihoods), count), gradient

    return mean_of(logits)
