"""Channels that are dead, or too small for the norm to act on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

EPSILONS = 10.0  # a variance below so many epsilons is changed by more than 5% in its root
SOME, MANY = 0.1, 0.5  # of the channels
DEAD_VARIANCE = 1e-10
DEAD_GAMMA = 1e-4


def nothing_through(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """Every gamma is about 0, in a model that was trained."""
    if layer.gamma is None or not known.is_trained or not np.all(np.isfinite(layer.gamma)):
        return
    if np.max(np.abs(layer.gamma)) >= DEAD_GAMMA:
        return
    yield Finding(
        layer=layer.path,
        code="nothing-passes",
        rank="harm",
        says=f"every gamma is below {DEAD_GAMMA:g}",
        numbers={"largest_gamma": float(np.max(np.abs(layer.gamma)))},
        why="the layer gives beta, whatever comes in, and no gradient reaches what is before it",
        line='keras.layers.BatchNormalization(gamma_initializer="ones")',
    )


def dead(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """Channels whose variance or gamma is about 0."""
    lost = np.zeros(1, bool)
    if layer.moving_variance is not None:
        lost = lost | (np.abs(layer.moving_variance) < DEAD_VARIANCE)
    if layer.gamma is not None and layer.is_by_batch and known.is_trained:
        small = np.abs(layer.gamma) < DEAD_GAMMA
        if small.all():
            return  # said by `nothing_through`
        lost = lost | small
    count = int(lost.sum())
    if not count:
        return
    yield Finding(
        layer=layer.path,
        code="channels-dead",
        rank="warning" if count / lost.size >= SOME else "note",
        says=f"{count} of {lost.size} channels are dead: their variance or gamma is about 0",
        numbers={"channels": count, "share": count / lost.size},
        why="they say the same of every example; what comes in is constant, or nothing passes",
        line='keras.layers.Conv2D(filters, 3, kernel_initializer="he_normal")  # or a lower rate',
    )


def switched_off(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Channels whose variance is so near epsilon that the norm hardly acts."""
    if layer.moving_variance is None or layer.epsilon is None or layer.is_at_start:
        return
    variance = layer.moving_variance
    small = (variance < EPSILONS * layer.epsilon) & (variance >= DEAD_VARIANCE)
    share = float(np.mean(small))
    if share < SOME:
        return
    typical = float(np.median(variance[small]))
    yield Finding(
        layer=layer.path,
        code="norm-switched-off",
        rank="warning" if share >= MANY else "note",
        says=(
            f"{share:.0%} of its channels have a variance under {EPSILONS:g} epsilon "
            f"(typically {typical:.2g}; epsilon {layer.epsilon:g})"
        ),
        numbers={"share": share, "variance": typical, "epsilon": layer.epsilon},
        why="epsilon, not the variance, decides their scale: the norm is switched off there",
        line=f"keras.layers.BatchNormalization(epsilon={max(typical / 1000, 1e-7):.0e})",
    )
