"""Norms that train beside norms that don't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding


def gamma_alone(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Gamma is frozen, the layer is not: its averages go on moving."""
    if layer.gamma is None or layer.gamma_is_trainable or not layer.is_trainable:
        return
    if not layer.is_by_batch:
        return
    yield Finding(
        layer=layer.path,
        code="gamma-frozen-averages-move",
        rank="warning",
        says="its gamma is frozen, but its moving averages are not",
        numbers={},
        why="the layer normalizes by batch and its averages follow new data: it is not frozen",
        line="layer.trainable = False  # the layer, not its weights",
    )


def mixed(layers: Sequence[LayerFacts]) -> Iterator[Finding]:
    """Frozen and other batch norms within one and the same network.

    A frozen backbone below a head that trains is no mixture: they are models of their own.
    """
    homes = dict.fromkeys(each.home for each in layers)
    for home in homes:
        here = [each for each in layers if each.home == home and each.is_by_batch]
        frozen = [each for each in here if not each.is_trainable]
        if not frozen or len(frozen) == len(here):
            continue
        training = next(each for each in here if each.is_trainable)
        fewer = frozen[0] if 2 * len(frozen) <= len(here) else training
        yield Finding(
            layer=fewer.path,
            code="frozen-mixed",
            rank="warning",
            says=(
                f"{len(frozen)} of {len(here)} batch norms of one network are frozen, "
                f"{training.path} and others are not"
            ),
            numbers={"frozen": len(frozen), "norms": len(here)},
            why=(
                "those that train shift what the frozen ones get, whose averages can't follow; "
                "when fine-tuning, all or none"
            ),
            line="outputs = backbone(inputs, training=False)  # with backbone.trainable = False",
        )
