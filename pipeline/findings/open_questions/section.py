"""What was not tested, and what the intervals leave out."""

from __future__ import annotations

from pipeline.findings.failures.figures import Figures as Failed
from pipeline.findings.open_questions.figures import Figures
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Listing, Section
from pipeline.wording import listed


def section(summary: Summary) -> Section:
    """Return one sentence for each thing that stays open."""
    lines = (*_claims(summary), *not_tested(summary))
    return Section("open", "What was not tested", (Listing(lines),))


def not_tested(summary: Summary) -> list[str]:
    """Return what this report leaves open, one sentence each."""
    found, tuned = summary.of(Figures), summary.of(Tuned)
    lines = [
        f"No other datasets than {_all(found.datasets)}, no other models than "
        f"{_all(found.models)}, no other optimizers than {_all(found.optimizers)}.",
        "No other lengths of training: more epochs or more examples may turn a difference around.",
        "Claims are about validation examples; that others might have been drawn is not in their "
        "intervals, which are over seeds.",
        "Each claim's interval holds at its own level; 99% for headline claims, so that any wrong "
        "one among five has at most 5%, and the others are not adjusted for how many there are.",
    ]
    if tuned.arms:
        lines.append(
            "The tuned arms share one split: that other validation examples might have chosen "
            "other winners is not in the intervals, and other test examples only where it is said."
        )
    if found.unplanned:
        lines.append(f"Not planned: {listed(found.unplanned)}.")
    silent = [figures.name for figures in tuned.arms if not figures.runs]
    if silent:
        lines.append(f"Planned, but no winner was confirmed: {listed(silent)}.")
    absent = [
        each.study
        for each in summary.of(Failed).studies
        if each.phase == "sweep" and not each.outcomes.runs
    ]
    if absent:
        lines.append(f"Planned, but nothing came back: {listed(absent)}.")
    return lines


def _claims(summary: Summary) -> list[str]:
    """Name the claims that nothing here tests, in one line."""
    names = [
        found.claim.id
        for found in summary.of(Claims).claims
        if found.judgement.verdict.word == "not tested here"
    ]
    return [f"Claims that this profile does not test: {listed(names)}."] if names else []


def _all(names: tuple[str, ...]) -> str:
    return listed(names) or "none"
