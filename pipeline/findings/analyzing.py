"""Sealed answers -> every figure of a profile's report, finding by finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.commands import since
from pipeline.content import Record
from pipeline.findings import FINDINGS
from pipeline.findings.evidence import Evidence
from pipeline.findings.spoken import spoken
from pipeline.findings.summary import Summary, figures_module
from pipeline.records import Answer, Manifest
from pipeline.statistics.step_costs import Costs
from pipeline.studies import Plan, Study


def analyze(
    plan: Plan,
    swept: Sequence[Answer],
    confirmed: Sequence[Answer],
    manifests: Mapping[str, Manifest],
    *,
    costs: Costs | None,
    digests: Mapping[str, str],
) -> Summary:
    """Compute every figure; the arguments are those of `Evidence`."""
    evidence = Evidence(plan, swept, confirmed, manifests, costs=costs, digests=digests)
    studies = list(evidence.studies.values())
    arms = dict.fromkeys(study.arm for study in studies)
    findings = {
        name: evidence.of(module.figures)
        for name in FINDINGS
        if (module := figures_module(name)) is not None
    }
    return Summary(
        profile=plan.profile,
        analysis=plan.analysis,
        arms=tuple(sorted(arms, key=lambda arm: arm != evidence.reference)),
        tasks={name: spoken(_shown(each, studies), studies) for name, each in findings.items()},
        commands=_commands(plan.profile),
        findings=findings,
    )


def _shown(figures: Record, studies: Sequence[Study]) -> list[Study]:
    """Return the studies of every experiment that a finding's figures name."""
    named = set(_experiments(figures.plain()))
    return [study for study in studies if study.experiment in named]


def _experiments(plain: object) -> Iterator[str]:
    """Yield what stands under the key `experiment` anywhere in plain data."""
    if isinstance(plain, dict):
        if isinstance(name := plain.get("experiment"), str):
            yield name
        plain = list(plain.values())
    if isinstance(plain, list | tuple):
        for each in plain:
            yield from _experiments(each)


def _commands(profile: str) -> dict[str, str]:
    return {
        "everything": since("compose", profile),
        "sweep": since("sweep", profile),
        "confirmed": since("confirm", profile),
        "claims": since("sweep", profile),
        "cost": since("cost", profile),
        "figures": since("analyze", profile),
    }
