"""Batch normalization as CrossQ has it (Bhatt et al., 2024): without a target network.

A network with such a layer learns from current and next states in one batch, so that both are
normalized by the same statistics. It is for control; with no next states it is Keras's layer.
"""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable("normbench")
class JointBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, which asks whoever trains it for a joint batch."""

    joins_next_states = True
