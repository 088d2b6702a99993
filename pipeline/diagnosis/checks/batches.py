"""Batches too small to have statistics."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

FEW = 4  # values of a channel; their variance is off by more than half


def too_few_values(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """A channel has one value in a batch, or hardly more, where the batch size was told."""
    if known.batch_size is None or layer.positions is None:
        return
    if not layer.is_by_batch or not layer.is_trainable:
        return
    values = known.batch_size * layer.positions
    if values > FEW:
        return
    yield Finding(
        layer=layer.path,
        code="one-value-per-channel" if values == 1 else "few-values-per-channel",
        rank="harm" if values <= 2 else "warning",
        says=f"a channel has {values} value{'s' * (values != 1)} in a batch of {known.batch_size}",
        numbers={"values": values, "batch_size": known.batch_size},
        why=(
            "its own mean is taken away from it: in training the layer gives beta, whatever "
            "comes in, and the averages' variance goes to 0"
            if values == 1
            else "mean and variance of so few values are noise, and of two they leave a sign alone"
        ),
        line="keras.layers.GroupNormalization(groups=8)  # or larger batches",
    )
