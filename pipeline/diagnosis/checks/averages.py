"""Moving averages that cannot be, that never moved, or that had no time to."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding, Rank

SETTLED = 0.99  # share of the start that averages must have forgotten
HALF_WAY = math.exp(-1)  # share of the start that one time constant of the average leaves


def invalid(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Negative, infinite or missing numbers among the averages or weights."""
    for name in ("moving_variance", "moving_mean", "gamma", "beta"):
        values = getattr(layer, name)
        if values is None:
            continue
        bad = ~np.isfinite(values)
        word = "not finite"
        if name == "moving_variance":
            bad |= values < 0
            word = "negative or not finite"
        if count := int(np.sum(bad)):
            yield Finding(
                layer=layer.path,
                code="values-invalid",
                rank="harm",
                says=f"{count} of {values.size} values of {name} are {word}",
                numbers={"values": count, "share": count / values.size},
                why="no example's output can be right: the root of such a variance is not a number",
                line="recalibrate(model, training_examples)  # or train again from before this",
            )


def at_start(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """Moving averages that are exactly where Keras starts them."""
    if layer.moving_mean is None or not layer.is_at_start:
        return
    rank: Rank = "harm" if known.is_trained else "note"
    why = (
        "inference normalizes by mean 0 and variance 1, which no example has: the layer was "
        "trained with training=False, without passing training, or frozen before it learned"
        if known.is_trained
        else "the model shows no trace of training yet; inference does not normalize"
    )
    yield Finding(
        layer=layer.path,
        code="averages-at-start",
        rank=rank,
        says="its moving averages never moved: mean 0, variance 1 in every channel",
        numbers={"channels": layer.moving_mean.size},
        why=why,
        line="outputs = model(examples, training=True)  # in the training step, alone",
    )


def unsettled(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """Too few steps for this momentum, where the steps were told."""
    momentum = layer.momentum
    if known.steps is None or not layer.is_by_batch or not layer.is_trainable:
        return
    if momentum is None or not 0 < momentum < 1 or layer.is_at_start:
        return
    left = momentum**known.steps
    if left <= 1 - SETTLED:
        return
    needed = math.ceil(math.log(1 - SETTLED) / math.log(momentum))
    fitting = (1 - SETTLED) ** (1 / max(known.steps, 1))
    yield Finding(
        layer=layer.path,
        code="averages-not-settled",
        rank="harm" if left > HALF_WAY else "warning",
        says=(
            f"{left:.0%} of where its moving averages started is still in them after "
            f"{known.steps} steps; at momentum {momentum:g} they need {needed}"
        ),
        numbers={"left": left, "steps": known.steps, "needed": needed, "momentum": momentum},
        why="inference normalizes by statistics that training never had",
        line=f"keras.layers.BatchNormalization(momentum={math.floor(fitting * 100) / 100:g})",
    )
