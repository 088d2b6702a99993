"""Which runs of a study failed, in the sweep and in the confirmation of its winner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import Place, place_of
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.runs import CONFIRM, SWEEP, Phase
from pipeline.studies import Study


class StudyFailures(Record):
    """How many of a study's runs failed in a phase; of several searches of an arm, of them all."""

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
    arms: dict[str, list[Study]] = {}
    for study in evidence.studies.values():
        arms.setdefault(study.arm_name, []).append(study)
    runs = evidence.every_run
    for name, searches in arms.items():
        study, names = searches[0], [each.name for each in searches]
        own = runs["study"].isin(names) & (runs["phase"] == SWEEP)
        twice = int((runs.loc[own, "is_own"] & runs.loc[own, "is_shared"]).sum())  # is one run
        phases: dict[Phase, int] = {
            SWEEP: sum(each.design.trials for each in searches) - twice,
            CONFIRM: sum(len(each.confirm_seeds) for each in searches),
        }
        for phase, planned in phases.items():
            if planned:
                yield StudyFailures(
                    study=name,
                    place=place_of(study),
                    arm=study.arm,
                    phase=phase,
                    planned=planned,
                    outcomes=outcomes(runs[runs["study"].isin(names) & (runs["phase"] == phase)]),
                )
