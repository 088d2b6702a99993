"""What was not tested, and what the intervals leave out."""

from __future__ import annotations

from pipeline.findings.summary import Summary
from pipeline.page.blocks import Listing, Section
from pipeline.wording import listed, percentage


def section(summary: Summary) -> Section:
    """Return one sentence for each thing that stays open."""
    lines = (*_claims(summary), *not_tested(summary))
    return Section("open", "Not tested", "What was not tested", (Listing(lines),))


def not_tested(summary: Summary) -> list[str]:
    """Return what this report leaves open, one sentence each."""
    factors, studies = summary.factors, [figures.study for figures in summary.studies]
    maps = summary.maps
    datasets = {found.name for found in summary.data}
    models = {each.model for each in factors} | {each.model for each in maps}
    models |= {study.model_name for study in studies}
    optimizers = {each.optimizer for each in factors} | {each.optimizer for each in maps}
    optimizers |= {study.optimizer_name for study in studies}
    lines = [
        f"No other datasets than {_all(datasets)}, no other models than {_all(models)}, no other "
        f"optimizers than {_all(optimizers)}.",
        "No other lengths of training: more epochs or more images may turn a difference around.",
        "Claims are about validation images; that others might have been drawn is not in their "
        "intervals, which are over seeds.",
        "Each claim's interval holds at its own level; 99% for headline claims, so that any wrong "
        "one among five has at most 5%, and the others are not adjusted for how many there are.",
    ]
    if studies:
        lines += [
            "One search per study. That another search might have chosen another winner is not in "
            "the intervals.",
            f"Each interval of the tuned arms holds at {percentage(summary.analysis.level)} on its "
            "own; only the one over seeds and test images covers other test images.",
        ]
    if summary.unplanned:
        lines.append(f"Not planned: {listed(summary.unplanned)}.")
    silent = [figures.name for figures in summary.studies if not figures.seeds_confirmed]
    if silent:
        lines.append(f"Planned, but no winner was confirmed: {listed(silent)}.")
    absent = [
        found.study
        for found in summary.failures
        if found.phase == "sweep" and not found.failures.runs
    ]
    if absent:
        lines.append(f"Planned, but nothing came back: {listed(absent)}.")
    return lines


def _claims(summary: Summary) -> list[str]:
    return [
        f"{found.claim.id}, {found.claim.statement.rstrip('.')}: "
        f"{found.judgement.verdict.reason or 'not tested here'} (experiment "
        f"{found.claim.experiment})."
        for found in summary.claims
        if found.judgement.verdict.word == "not tested here"
    ]


def _all(names: set[str]) -> str:
    return listed(sorted(names)) or "none"
