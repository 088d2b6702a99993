"""From a cell to the question a worker is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.records import CellFields, Component, Environment, Trial


def components(cell: CellFields | Trial) -> list[Component]:
    """Return the classes and functions that a cell or a trial names."""
    return [part for part in (cell.model, cell.norm.layer, cell.optimizer) if part is not None]


def question(
    cell: CellFields,
    *,
    data_digest: str,
    environment: Environment,
    seed: int,
    split: Literal["validation", "test"],
    thresholds: Sequence[float | None] = (),
) -> Trial:
    """Return the trial that asks what this cell gives with this seed on these data."""
    return Trial(
        dataset=cell.dataset,
        data_digest=data_digest,
        model=cell.model,
        norm=cell.norm,
        optimizer=cell.optimizer,
        batch_size=cell.batch_size,
        epochs=cell.epochs,
        steps_per_epoch=cell.steps_per_epoch,
        examples=cell.examples,
        seed=seed,
        device=cell.device,
        trainer=cell.trainer,
        decay_norm_weights=cell.decay_norm_weights,
        split=split,
        thresholds=tuple(thresholds),
        probes=cell.probes,
        environment=environment,
    )
