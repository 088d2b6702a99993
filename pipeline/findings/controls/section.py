"""Controls: does the rule call different what is the same, and harmful what is broken?"""

from __future__ import annotations

from pipeline.claims.controls import Control
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Block, Command, Nothing, Section, Table, Text
from pipeline.wording import MISSING, percentage

MUST = {
    "negative": "must be called equivalent",
    "positive": "must be called harmful",
    "sabotage": "must be called harmful",
}


def section(summary: Summary) -> Section:
    """Return the controls, and how often the rule errs on differences of nothing."""
    controls = [found for found in summary.of(Claims).claims if found.claim.control is not None]
    blocks: list[Block] = []
    if controls:
        heads = ("Control", "What is known", "Kind", "Verdict", "Effect", "Came out")
        rows = tuple(_row(found) for found in controls)
        blocks += [
            Table("Controls: statements whose truth is known beforehand", heads, rows, labels=2),
            Command(summary.commands["claims"]),
        ]
    errors = [found for found in summary.of(Claims).claims if found.error is not None]
    if errors:
        columns = (
            "Claim",
            "Seeds",
            "Flips",
            "Called different",
            "Zero outside the interval",
            "Level",
            "Within it",
        )
        blocks += [
            Text(
                "Real differences whose signs are flipped at random, seed by seed, are differences "
                "of nothing. The interval should exclude zero in no more than its level leaves "
                "(three standard errors of the flips allowed); a verdict of a difference, which "
                "asks for the margin as well, less often."
            ),
            Table("Empirical error of the rule", columns, tuple(map(_error, errors)), labels=1),
        ]
    if not blocks:
        blocks.append(Nothing("Nothing to show: no control was run in this profile."))
    return Section("controls", "Controls", tuple(blocks))


def _row(found: ClaimFigures) -> tuple[str, ...]:
    kind = found.claim.control
    assert kind is not None
    return (
        f"{found.claim.id} {found.claim.statement}",
        MUST[kind],
        kind,
        found.judgement.verdict.word,
        claims_words.outcome(found.claim.parts[0], found.judgement.parts[0], found.task),
        _passed(found.control),
    )


def _passed(control: Control | None) -> str:
    if control is None:
        return "not run"
    return "as it must" if control.passed else "NOT as it must"


def _error(found: ClaimFigures) -> tuple[str, ...]:
    error = found.error
    if error is None:
        return (found.claim.id, *(MISSING,) * 6)
    return (
        found.claim.id,
        str(error.clusters),
        f"{error.flips:,}",
        f"{error.called_different:.1%}",
        f"{error.zero_outside:.1%}",
        percentage(found.claim.level),
        "NO" if error.exceeds else "yes",
    )
