"""Variants of batch normalization that have a cost or do nothing here."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding


def renorm(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Batch renormalization: it trains by moving averages, once they have settled."""
    if layer.renorm:
        yield Finding(
            layer=layer.path,
            code="renorm",
            rank="note",
            says="it renormalizes (Ioffe, 2017)",
            numbers={},
            why="training uses its averages, too: where they are off, training is, and clipping "
            "must open slowly",
            line="keras.layers.BatchNormalization(renorm=False)  # unless batches are small",
        )


def synchronized_alone(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """Statistics over replicas, of which there is one."""
    if layer.synchronized and known.replicas == 1:
        yield Finding(
            layer=layer.path,
            code="synchronized-alone",
            rank="note",
            says="it is synchronized, on one replica",
            numbers={"replicas": known.replicas},
            why="there is nobody to share statistics with; batches are no larger than they were",
            line="keras.layers.BatchNormalization(synchronized=False)",
        )
