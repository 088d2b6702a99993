"""Sequence masks that don't reach a norm."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding


def lost(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Padding counts among the statistics, because a layer dropped its mask."""
    if not layer.is_by_batch or not layer.mask_lost:
        return
    yield Finding(
        layer=layer.path,
        code="mask-ignored",
        rank="warning",
        says=f"the sequences' mask ends at {layer.mask_lost}, before the norm",
        numbers={},
        why="padded steps count in mean and variance: they depend on how long other sequences are",
        line="keras.layers.LayerNormalization()  # of each step by itself, or keep the mask",
    )
