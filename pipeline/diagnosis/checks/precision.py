"""Half precision, where epsilon or the averages vanish in it."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import HALF, LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

SMALL = 1e-5  # below it, one over the root of epsilon exceeds 300


def half(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """A small epsilon where numbers are of half precision, or averages kept in it."""
    if layer.compute_dtype in HALF and layer.epsilon is not None and layer.epsilon < SMALL:
        yield Finding(
            layer=layer.path,
            code="half-precision-epsilon",
            rank="warning",
            says=f"its epsilon is {layer.epsilon:g} in {layer.compute_dtype}",
            numbers={"epsilon": layer.epsilon},
            why="a channel that hardly varies is scaled up to what half precision cannot hold",
            line="keras.layers.BatchNormalization(epsilon=1e-3)",
        )
    if layer.variable_dtype in HALF and layer.is_by_batch:
        yield Finding(
            layer=layer.path,
            code="half-precision-averages",
            rank="warning",
            says=f"its moving averages are kept in {layer.variable_dtype}",
            numbers={},
            why="a hundredth of a batch's statistics is lost in rounding: the averages get stuck",
            line='keras.layers.BatchNormalization(dtype="mixed_float16")  # averages in float32',
        )
