"""Trained well, deployed badly: what training gains, and what the moving averages lose of it."""

from __future__ import annotations

from typing import ClassVar

from pipeline.claims import units
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.gap.figures import Figures as Gaps
from pipeline.findings.gap.figures import Line, Trajectory
from pipeline.findings.summary import Summary
from pipeline.findings.time_to_target.figures import KIND
from pipeline.findings.verdicts import figures as verdicts
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.statistics.intervals import Estimate
from pipeline.wording import counted, listed


class Faster(Record):
    """Time to a target by both kinds of statistics: the estimates of one part of a claim."""

    named_by: ClassVar = ("claim", "part")

    claim: str
    part: str
    moving: Estimate
    recalibrated: Estimate


def faster(evidence: Evidence) -> Faster | None:
    """Return the first claim about the time to a target that the profile tests."""
    for claim in evidence.claims:
        for n, part in enumerate(claim.parts):
            if part.effect.target != KIND or part.control is None:
                continue
            found = {
                kind: verdicts.judgement_of(
                    claim.model_copy(update={"statistics": kind}), evidence
                ).parts[n]
                for kind in ("moving", "recalibrated")
            }
            estimates = {kind: judged.estimate for kind, judged in found.items()}
            moving, other = estimates["moving"], estimates["recalibrated"]
            if moving is not None and other is not None:
                return Faster(claim=claim.id, part=part.name, moving=moving, recalibrated=other)
    return None


def sentences(summary: Summary, found: Faster | None) -> list[str]:
    """Say both halves, as far as they were measured."""
    said = [] if found is None else [_faster(summary, found)]
    return [*said, *filter(None, [gap(summary)])]


def gap(summary: Summary) -> str:
    """Say where the gap between training and inference is widest, in one sentence."""
    widest: tuple[float, str] | None = None
    for found in summary.of(Gaps).trajectories:
        batch, moving = found.line("batch"), found.moving
        if batch is None or moving is None:
            continue
        for place, step in enumerate(found.steps):
            ours, theirs = batch.values[place], moving.values[place]
            if ours is None or theirs is None:
                continue
            apart = ours - theirs
            if widest is None or apart > widest[0]:
                where = f"the {found.place.model} on {found.place.dataset}"
                text = (
                    f"After {counted(step, 'step')} of the same training, {where} "
                    f"reaches a validation {summary.task(Gaps).score} of {ours:.1%} "
                    f"with each batch's own statistics, and {theirs:.1%} with "
                    f"moving averages at momentum {moving.momentum:g}"
                    f"{_quicker(found, moving, place)}"
                )
                last = _last(found, batch, moving)
                widest = (apart, f"{text}{last}.")
    return widest[1] if widest else ""


def _faster(summary: Summary, found: Faster) -> str:
    figures = next(each for each in summary.of(Claims).claims if each.claim.id == found.claim)
    part = next(each for each in figures.claim.parts if each.name == found.part)
    trained = units.effect(part, found.recalibrated, figures.task)
    deployed = units.effect(part, found.moving, figures.task)
    return (
        f"Training{_models(figures)} with {part.treatment.get('arm', 'the norm')} takes {trained} "
        "than without, its statistics computed again over training examples (recalibrated), "
        f"and {deployed} with the moving averages that a user gets ({found.claim}, {found.part})."
    )


def _models(figures: ClaimFigures) -> str:
    return f" the {listed(figures.conditions.models)}" if figures.conditions else ""


def is_lost(found: Faster | None) -> bool:
    """Tell whether training gains for sure what the moving averages do not keep for sure."""
    if found is None:
        return False
    low, kept = found.recalibrated.low, found.moving.low
    return low is not None and low > 0 and (kept is None or kept <= 0)


def _quicker(found: Trajectory, moving: Line, place: int) -> str:
    """Say what the best lower momentum reaches at a place, where it reaches more."""
    values = [
        (value, line.momentum)
        for line in found.lines
        if line.momentum is not None and line.momentum < (moving.momentum or 0)
        if (value := line.values[place]) is not None
    ]
    best, momentum = max(values, default=(0.0, None))
    if momentum is None or best <= (moving.values[place] or 0.0):
        return ""
    return f" ({best:.1%} at {momentum:g})"


def _last(found: Trajectory, batch: Line, moving: Line) -> str:
    ours, theirs = batch.values[-1], moving.values[-1]
    if ours is None or theirs is None:
        return ""
    return f"; after {found.steps[-1]} steps it is {ours:.1%} and {theirs:.1%}"
