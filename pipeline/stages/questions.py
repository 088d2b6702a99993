"""Questions about a profile's prepared data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.data.arrays import read_manifest
from pipeline.execution.precision import environment_of
from pipeline.execution.queues import Ask
from pipeline.records import Environment, Trial
from pipeline.search.questions import components, question
from pipeline.stages.places import Places
from pipeline.studies import CellFields, Plan
from pipeline.tasks.scoring import scoring_of


def asker(plan: Plan) -> Ask:
    """Return what turns a cell into a question about the profile's arrays.

    Raises:
        Refusal: A dataset has not been prepared, or is none for its task.
    """
    arrays = Places(plan.profile).arrays
    manifests = {name: read_manifest(arrays / name) for name in plan.datasets}
    for study in plan.studies.values():
        scoring_of(study.task.scoring).check(manifests[study.dataset])
    environments: dict[tuple[str, ...], Environment] = {}

    def environment(cell: CellFields) -> Environment:
        targets = (part.target for part in components(cell))
        named = (cell.trainer, cell.precision, *targets)
        if named not in environments:
            environments[named] = environment_of(cell)
        return environments[named]

    def ask(
        cell: CellFields,
        *,
        seed: int,
        split: Literal["validation", "test"],
        thresholds: Sequence[float | None] = (),
        start: str | None = None,
    ) -> Trial:
        return question(
            cell,
            data_digest=manifests[cell.dataset].digest,
            environment=environment(cell),
            seed=seed,
            split=split,
            thresholds=thresholds,
            start=start,
        )

    return ask
