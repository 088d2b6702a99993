"""Sealed answers -> every figure of a profile's report, finding by finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.commands import since
from pipeline.findings import FINDINGS
from pipeline.findings.evidence import Evidence
from pipeline.findings.spoken import spoken
from pipeline.findings.summary import Summary, figures_module
from pipeline.records import Answer, Manifest
from pipeline.statistics.step_costs import Costs
from pipeline.studies import Plan


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
    task = spoken(studies, studies)
    return Summary(
        profile=plan.profile,
        analysis=plan.analysis,
        arms=tuple(sorted(arms, key=lambda arm: arm != evidence.reference)),
        score=task.score,
        error=task.error,
        commands=_commands(plan.profile),
        findings={
            name: evidence.of(module.figures)
            for name in FINDINGS
            if (module := figures_module(name)) is not None
        },
    )


def _commands(profile: str) -> dict[str, str]:
    return {
        "everything": since("compose", profile),
        "sweep": since("sweep", profile),
        "confirmed": since("confirm", profile),
        "claims": since("sweep", profile),
        "cost": since("cost", profile),
        "figures": since("analyze", profile),
    }
