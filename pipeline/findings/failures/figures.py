"""Which runs of a study failed, in the sweep and in the confirmation of its winner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, place_of
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.runs import CONFIRM, SWEEP, Phase, of_study


class StudyFailures(Record):
    """How many of a study's runs failed in a phase."""

    named_by: ClassVar = ("study", "phase")

    study: str
    place: Place
    arm: str
    phase: Phase
    planned: Count
    outcomes: Outcomes


class Figures(Record):
    """The studies, in the order of the report."""

    studies: tuple[StudyFailures, ...]


def figures(evidence: Evidence) -> Figures:
    """Count the failures of every study."""
    return Figures(studies=tuple(_failures(evidence)))


def _failures(evidence: Evidence) -> Iterator[StudyFailures]:
    for study in evidence.studies.values():
        phases: dict[Phase, int] = {
            SWEEP: study.design.trials,
            CONFIRM: len(study.confirm_seeds),
        }
        for phase, planned in phases.items():
            if planned:
                yield StudyFailures(
                    study=study.name,
                    place=place_of(study),
                    arm=study.arm,
                    phase=phase,
                    planned=planned,
                    outcomes=outcomes(of_study(evidence.every_run, study.name, phase)),
                )
