"""A momentum that forgets at once, or never learns."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

FORGETS = 0.5  # below it, two batches are all that the averages know


def out_of_range(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """The averages are the last batch's, or stay where they are."""
    if not layer.is_by_batch or layer.momentum is None or FORGETS <= layer.momentum < 1:
        return
    forgets = layer.momentum < FORGETS
    yield Finding(
        layer=layer.path,
        code="momentum-forgets" if forgets else "momentum-never-moves",
        rank="harm",
        says=f"its momentum is {layer.momentum:g}",
        numbers={"momentum": layer.momentum},
        why=(
            "Keras's momentum is the share that is kept: the moving averages are the last batch's, "
            "and every answer depends on which that was"
            if forgets
            else "Keras's momentum is the share that is kept: the moving averages never move"
        ),
        line="keras.layers.BatchNormalization(momentum=0.9)  # then train, or recalibrate",
    )
