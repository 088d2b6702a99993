"""Weight decay that pulls gamma to 0."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding


def on_gamma(layer: LayerFacts, known: Surroundings) -> Iterator[Finding]:
    """A regularizer on gamma, or an optimizer that decays all weights."""
    if layer.gamma is None:
        return
    if layer.gamma_decay:
        yield Finding(
            layer=layer.path,
            code="decay-on-gamma",
            rank="warning",
            says=f"gamma has a regularizer of {layer.gamma_decay:g}",
            numbers={"decay": layer.gamma_decay},
            why="it pulls gamma to 0, which is no simpler model but one that passes nothing on",
            line="keras.layers.BatchNormalization(gamma_regularizer=None)",
        )
    elif known.optimizer_decay and layer.is_trainable:
        yield Finding(
            layer=layer.path,
            code="decay-on-gamma",
            rank="note",
            says=f"the optimizer's weight decay of {known.optimizer_decay:g} is on gamma, too, "
            "unless you excluded it (a saved model does not say)",
            numbers={"decay": known.optimizer_decay},
            why="it pulls gamma to 0, which is no simpler model but one that passes nothing on",
            line='optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])',
        )
