"""Checks that need no data: each a function of one layer's facts and of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.diagnosis.checks import (
    averages,
    batches,
    channels,
    decay,
    freezing,
    masks,
    momentum,
    placement,
    precision,
    variants,
)
from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

Check = Callable[[LayerFacts, Surroundings], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    averages.invalid,
    averages.at_start,
    averages.unsettled,
    momentum.out_of_range,
    batches.too_few_values,
    channels.nothing_through,
    channels.dead,
    channels.switched_off,
    placement.wrong_axis,
    placement.before_softmax,
    placement.dropout_before,
    placement.after_activation,
    placement.repeated_bias,
    freezing.gamma_alone,
    masks.lost,
    precision.half,
    decay.on_gamma,
    variants.renorm,
    variants.synchronized_alone,
)


def findings_of(layers: Sequence[LayerFacts], known: Surroundings) -> Iterator[Finding]:
    """Yield what the checks find in a model's normalization layers, and between them."""
    for layer in layers:
        for check in CHECKS:
            yield from check(layer, known)
    yield from freezing.mixed(layers)
