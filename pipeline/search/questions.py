"""From a cell to the question a worker is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.records import Component, Environment, Trial
from pipeline.studies import CellFields
from pipeline.tasks.scoring import scoring_of


def components(cell: CellFields | Trial) -> list[Component]:
    """Return the classes and functions that a cell or a trial names, and those of its task.

    Raises:
        Refusal: The task's code is not to be found, or is no task.
    """
    task = cell.task if isinstance(cell, Trial) else cell.task.scoring
    scoring = scoring_of(task)
    tally = Component(target=scoring.tally, arguments={})
    named = (
        cell.model,
        cell.model.wrapped,
        cell.norm.layer,
        cell.optimizer,
        task,
        scoring.loss,
        tally,
    )
    return [part for part in named if part is not None]


def question(
    cell: CellFields,
    *,
    data_digest: str,
    environment: Environment,
    seed: int,
    split: Literal["validation", "test"],
    thresholds: Sequence[float | None] = (),
    start: str | None = None,
) -> Trial:
    """Return the trial that asks what this cell gives with this seed on these data.

    `start` is the key of the trial from whose weights it starts.
    """
    return Trial(
        dataset=cell.dataset,
        data_digest=data_digest,
        task=cell.task.scoring,
        model=cell.model,
        norm=cell.norm,
        optimizer=cell.optimizer,
        batch_size=cell.batch_size,
        epochs=cell.epochs,
        steps_per_epoch=cell.steps_per_epoch,
        examples=cell.examples,
        start=start,
        seed=seed,
        device=cell.device,
        trainer=cell.trainer,
        precision=cell.precision,
        decay_norm_weights=cell.decay_norm_weights,
        split=split,
        thresholds=tuple(thresholds),
        probes=cell.probes,
        environment=environment,
    )
