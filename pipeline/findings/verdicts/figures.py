"""Every claim's judgement, and what a reader needs beside it to trust or doubt it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.claims.claim import Claim, Part
from pipeline.claims.controls import Control, EmpiricalError, empirical_error, judge_control
from pipeline.claims.judgement import Judgement
from pipeline.claims.judging import compared, judge_claim, part_sample
from pipeline.claims.robustness import Robustness, robustness
from pipeline.claims.rules import Direction, Word
from pipeline.content import Record
from pipeline.findings.conditions import Conditions, of_claim
from pipeline.findings.evidence import Evidence
from pipeline.findings.spoken import spoken
from pipeline.findings.time_to_target import figures as time_to_target
from pipeline.findings.time_to_target.figures import KIND, TimeToTarget
from pipeline.records import Task
from pipeline.statistics.intervals import Estimate, negated
from pipeline.statistics.noise import NoiseFloor, noise_floor
from pipeline.statistics.pairs import (
    CONTROL,
    column,
    pair,
    score_of,
    trained,
    with_statistics,
)
from pipeline.statistics.runs import planned_runs
from pipeline.statistics.samples import Sample
from pipeline.studies import Analysis, Study


class PartNoise(Record):
    """What pairing bought in one part; `metric` is the figure whose spreads these are."""

    named_by: ClassVar = ("part",)

    part: str
    metric: str
    floor: NoiseFloor


class ClaimFigures(Record):
    """One claim as its file has it, and what came of it.

    `task` is what its experiment scores, for words, `conditions` the settings of its
    runs. `minimum` is how many clusters had to come back
    here. `seconds` is, for each part that is a time to a target, the same effect in seconds,
    by a step's measured cost. `error` is how often the rule errs on these differences with
    their signs flipped.
    """

    clock_fields: ClassVar = ("seconds",)

    claim: Claim
    task: Task
    conditions: Conditions | None
    minimum: int
    judgement: Judgement
    robustness: Robustness
    noise: tuple[PartNoise, ...]
    error: EmpiricalError | None
    control: Control | None
    seconds: dict[str, Estimate]

    @property
    def label(self) -> str:
        """The claim's number and its file's name."""
        return f"{self.claim.id} {self.claim.name}"


class Figures(Record):
    """The claims, in the order of their ids, controls last."""

    claims: tuple[ClaimFigures, ...]


def figures(evidence: Evidence) -> Figures:
    """Judge every claim."""
    times, studies = evidence.of(time_to_target.figures).cells, list(evidence.studies.values())
    judged = (
        _figures(claim, evidence.runs, studies, evidence.plan.analysis, times)
        for claim in evidence.claims
    )
    return Figures(claims=tuple(judged))


def _figures(
    claim: Claim,
    runs: pd.DataFrame,
    studies: Sequence[Study],
    analysis: Analysis,
    times: Sequence[TimeToTarget],
) -> ClaimFigures:
    minimum = claim.minimum if analysis.minimum is None else analysis.minimum
    here = claim.model_copy(update={"minimum": minimum})
    judgement = _judged(here, claim.experiment, runs, studies)
    own = runs[runs["experiment"] == claim.experiment] if len(runs) else runs
    words: dict[str, Word] = {f"{_other(claim)} statistics": judgement.other.word}
    for name, experiment in claim.specifications.items():
        words[name] = _judged(here, experiment, runs, studies).verdict.word
    tested = judgement.verdict.word != "not tested here"
    table = with_statistics(own, claim.statistics) if tested and len(own) else own
    return ClaimFigures(
        claim=claim,
        task=spoken([each for each in studies if each.experiment == claim.experiment], studies),
        conditions=of_claim(claim, studies),
        minimum=minimum,
        judgement=judgement,
        robustness=robustness(judgement.verdict.word, words),
        noise=tuple(_noise(claim, table)) if tested and len(own) else (),
        error=_error(claim, table) if tested and len(own) else None,
        control=judge_control(claim.control, judgement.verdict)
        if claim.control is not None and tested
        else None,
        seconds={
            part.name: found
            for part in (*claim.parts, *claim.beside)
            if tested and (found := _seconds(part, claim.experiment, times)) is not None
        },
    )


def judgement_of(claim: Claim, evidence: Evidence) -> Judgement:
    """Judge a claim by its statistics as the profile judges it, such as by the other kind."""
    least = evidence.plan.analysis.minimum
    here = claim if least is None else claim.model_copy(update={"minimum": least})
    studies = list(evidence.studies.values())
    return evidence.once(
        here.model_dump_json(), lambda: _judged(here, claim.experiment, evidence.runs, studies)
    )


def _seconds(part: Part, experiment: str, times: Sequence[TimeToTarget]) -> Estimate | None:
    """Return a part's effect in seconds, turned as it asserts it."""
    if part.effect.target != KIND or part.control is None:
        return None
    for time in times:
        asked = {"experiment": experiment, "model": time.place.model, **part.where}
        is_asked = (time.place.experiment, time.place.model) == (
            asked["experiment"],
            asked["model"],
        )
        if is_asked and time.reference == part.control.get("arm"):
            ratios = {arm.arm: arm.seconds_ratio for arm in time.arms}
            found = ratios.get(str(part.treatment.get("arm")))
            return negated(found) if found and part.asserts == "less" else found
    return None


def _judged(
    claim: Claim, experiment: str, runs: pd.DataFrame, studies: Sequence[Study]
) -> Judgement:
    own = [study for study in studies if study.experiment == experiment]
    planned = planned_runs(own)
    parts = (*claim.parts, *claim.beside, *claim.manipulation)
    counts = {part.name: planned_blocks(part, planned) for part in parts}
    rows = runs[runs["experiment"] == experiment]
    return judge_claim(claim, rows, planned=counts if own else {})


def planned_blocks(part: Part, planned: pd.DataFrame) -> int:
    """Count the blocks that the plan has on both sides of a part."""
    if planned.empty:
        return 0
    sides = compared(part, planned)
    blocks = [set(side[list(part.block)].itertuples(index=False, name=None)) for side in sides]
    if len(blocks) > 1 and not blocks[0] & blocks[1]:  # sides on disjoint seeds pair by rank
        return min(map(len, blocks))
    return len(set.intersection(*blocks))


def _other(claim: Claim) -> str:
    return "recalibrated" if claim.statistics == "moving" else "moving"


def _noise(claim: Claim, table: pd.DataFrame) -> list[PartNoise]:
    """Describe paired scores of each part that compares two arms by one."""
    found = []
    for part in claim.parts:
        metric = score_of(str(part.effect.arguments.get("metric")))
        if part.control is None or "score" not in metric:
            continue
        treatment, control = compared(part, table)
        both = trained(pair(treatment, control, block=part.block))
        if len(both):
            ours, theirs = 100 * column(both, metric), 100 * column(both, metric + CONTROL)
            floor = noise_floor(ours, theirs, seeds=both["seed"])
            found.append(PartNoise(part=part.name, metric=metric, floor=floor))
    return found


def _error(claim: Claim, table: pd.DataFrame) -> EmpiricalError | None:
    """Flip the signs of the first part's differences, where it claims a direction of two arms."""
    part = claim.parts[0]
    if not isinstance(part.rule, Direction) or part.control is None:
        return None
    sample: Sample = part_sample(part, table)
    generator = np.random.default_rng(zlib.crc32(claim.name.encode()))
    return empirical_error(sample, part.rule, level=claim.level, generator=generator)
