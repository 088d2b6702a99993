"""Which runs of a study failed, in the sweep and in the confirmation of its winner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.statistics.failures import Failures, count_failures
from pipeline.statistics.runs import of_study


class StudyFailures(Record):
    """How many of a study's runs failed; `phase` is `sweep` or `confirm`."""

    named_by: ClassVar = ("study", "phase")

    study: str
    experiment: str
    dataset: str
    model: str
    optimizer: str
    arm: str
    phase: Literal["sweep", "confirm"]
    planned: Count
    failures: Failures


class Figures(Record):
    """The studies, in the order of the report."""

    studies: tuple[StudyFailures, ...]


def figures(evidence: Evidence) -> Figures:
    """Count the failures of every study."""
    return Figures(studies=tuple(_failures(evidence)))


def _failures(evidence: Evidence) -> Iterator[StudyFailures]:
    for study in evidence.studies.values():
        phases: tuple[tuple[Literal["sweep", "confirm"], int], ...] = (
            ("sweep", study.design.trials),
            ("confirm", len(study.confirm_seeds)),
        )
        for phase, planned in phases:
            runs = evidence.swept_runs if phase == "sweep" else evidence.confirmed_runs
            if planned:
                yield StudyFailures(
                    study=study.name,
                    experiment=study.experiment,
                    dataset=study.dataset,
                    model=study.model_name,
                    optimizer=study.optimizer_name,
                    arm=study.arm,
                    phase=phase,
                    planned=planned,
                    failures=count_failures(of_study(runs, study.name)),
                )
