"""Where the figures come from: data, versions, seeds, digests, hours."""

from __future__ import annotations

from typing import ClassVar

from pipeline.arguments import Count, Tally
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.records import Manifest
from pipeline.statistics.step_costs import Costs

Values = tuple[str, ...]


class Data(Record):
    """What a dataset is, and how many examples each split has; numbers have no labels."""

    named_by: ClassVar = ("name",)

    name: str
    source: str
    license: str
    digest: str
    labels: Tally
    shape: tuple[int, ...]
    examples: dict[str, int]


class Counts(Record):
    """Runs asked for and come back; `seeds` are all that were used, sorted."""

    studies: Count
    planned: Count
    swept: Tally
    confirmed: Tally
    seeds: tuple[int, ...]


class Figures(Record):
    """How it was run. `clock` is absent until costs were measured; no digit depends on it."""

    origin_fields: ClassVar = ("versions", "digests", "claims_digest")

    clock_fields: ClassVar = ("clock",)

    counts: Counts
    data: tuple[Data, ...]
    versions: dict[str, Values]
    digests: dict[str, str]
    claims_digest: str
    clock: Costs | None


def figures(evidence: Evidence) -> Figures:
    """Gather what stands behind the figures."""
    studies = list(evidence.studies.values())
    answers = [*evidence.swept, *evidence.confirmed]
    return Figures(
        counts=Counts(
            studies=len(studies),
            planned=sum(study.design.trials + len(study.confirm_seeds) for study in studies),
            swept=len(evidence.swept),
            confirmed=len(evidence.confirmed),
            seeds=tuple(sorted({answer.trial.seed for answer in answers})),
        ),
        data=tuple(
            _data(evidence.manifests[name]) for name in sorted({study.dataset for study in studies})
        ),
        versions=_versions(evidence),
        digests=evidence.digests,
        claims_digest=evidence.plan.claims_digest,
        clock=evidence.costs,
    )


def _data(manifest: Manifest) -> Data:
    return Data(
        name=manifest.name,
        source=manifest.source,
        license=manifest.license,
        digest=manifest.digest,
        labels=len(manifest.labels),
        shape=manifest.shape,
        examples=manifest.examples,
    )


def _versions(evidence: Evidence) -> dict[str, Values]:
    questions = [
        {**answer.trial.environment.plain(), "device": answer.trial.device}
        for answer in (*evidence.swept, *evidence.confirmed)
    ]
    names = sorted({name for question in questions for name in question})
    return {name: tuple(sorted({str(question[name]) for question in questions})) for name in names}
