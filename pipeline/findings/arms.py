"""The arms of a summary, in the one order that all charts share."""

from __future__ import annotations

from pipeline.findings.summary import Summary


def arms_of(summary: Summary) -> list[str]:
    """List the arms, the reference first, so that an arm has one colour in every chart."""
    found = dict.fromkeys(
        [
            *(figures.study.arm for figures in summary.studies),
            *(setting.arm for factors in summary.factors for setting in factors.settings),
            *(each.arm for each in summary.maps),
        ]
    )
    return sorted(found, key=lambda arm: arm != summary.analysis.reference)
