"""What few seeds are worth, in one sentence."""

from __future__ import annotations

from pipeline.findings.summary import Summary
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.wording import counted, span


def screening(summary: Summary) -> str:
    """Say that few seeds settle nothing; empty where that is not so."""
    minimum = summary.analysis.minimum
    if minimum is None:
        return ""
    tested = [
        found.claim.minimum
        for found in summary.of(Claims).claims
        if found.judgement.verdict.word != "not tested here"
    ]
    than = f" where the claims' files ask for {span(tested)}" if tested else ""
    return (
        f"This is a screening: a claim is judged from {counted(minimum, 'seed')} up{than}; "
        "each row counts its own. It says what to measure next and settles nothing."
    )
