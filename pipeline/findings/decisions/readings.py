"""One reading: how a norm stands in one comparison, by one kind of statistics."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from pipeline.arguments import Tally
from pipeline.claims.claim import Claim, Part
from pipeline.claims.judgement import PartJudgement
from pipeline.claims.judging import compared
from pipeline.claims.rules import Amount, Direction
from pipeline.claims.situation import OfClaim, OfMap, OfTuned
from pipeline.content import Record
from pipeline.findings.decisions.rule import Standing
from pipeline.findings.evidence import Evidence
from pipeline.findings.map import figures as maps
from pipeline.findings.tuned import comparisons
from pipeline.findings.tuned import figures as tuned
from pipeline.findings.verdicts import figures as verdicts
from pipeline.statistics.intervals import Estimate, negated
from pipeline.statistics.pairs import (
    CONTROL,
    Statistics,
    column,
    failed,
    log_error_column,
    pair,
    score_of,
    trained,
    with_statistics,
)
from pipeline.statistics.runs import CONFIRM

ERRORS = "pipeline.claims.kinds.errors.log_error_ratio"
TUNED: dict[comparisons.Word, Standing] = {
    "helps": "better",
    "hurts": "worse",
    "no practical difference": "same",
    "can't tell": "unclear",
}
OPPOSITE: dict[str, Standing] = {"better": "worse", "worse": "better", "same": "worse"}
LEANS: dict[str, Standing] = {"better": "leans better", "worse": "leans worse", "same": "unclear"}


class Hundred(Record):
    """Errors in 100 examples, by the geometric mean over seeds; `fewer` is the other's less ours.

    `fewer` has the limits of the ratio of errors, at that many of the other's errors.
    """

    norm: float
    other: float
    fewer: Estimate


class Failed(Record):
    """How many runs of either side failed, of `runs` each."""

    norm: Tally
    other: Tally
    runs: Tally


class Reading(Record):
    """What one comparison says of a norm.

    `source` names it, `anchor` is its place on the page; `claim` and `part` are where a claim's
    words stand. `estimate` is as the part asserts it; of two tuned arms, the log of the other's
    error over the norm's. `errors` is there where an error is a share of examples.
    """

    named_by: ClassVar = ("source",)
    judged_by: ClassVar = ("standing", "estimate")

    source: str
    anchor: str
    claim: str | None
    part: str | None
    standing: Standing
    estimate: Estimate | None
    errors: Hundred | None
    failed: Failed | None
    note: str


def reading(
    named: OfClaim | OfTuned | OfMap, evidence: Evidence, statistics: Statistics
) -> Reading:
    """Look one comparison up, by one kind of statistics; untested where the profile lacks it."""
    match named:
        case OfClaim():
            return _of_claim(named, evidence, statistics)
        case OfTuned():
            return _of_tuned(named, evidence, statistics)
    return _of_map(named, evidence)


def _of_claim(named: OfClaim, evidence: Evidence, statistics: Statistics) -> Reading:
    claim = next(each for each in evidence.claims if each.id == named.claim)
    claim = _directed(claim.model_copy(update={"statistics": statistics}))
    judgement = verdicts.judgement_of(claim, evidence)
    parts = zip((*claim.parts, *claim.beside), (*judgement.parts, *judgement.beside), strict=True)
    part, judged = next(pair for pair in parts if pair[0].name == named.part)
    errors, lost = _counted(named, part, judged, claim, evidence)
    return Reading(
        source=f"{claim.id} {part.name}",
        anchor=claim.id,
        claim=claim.id,
        part=part.name,
        standing=standing_of(judged, named.supported),
        estimate=judged.estimate,
        errors=errors,
        failed=lost,
        note="",
    )


def _directed(claim: Claim) -> Claim:
    """Return the claim with amounts asked for their direction alone."""

    def turned(part: Part) -> Part:
        if not isinstance(part.rule, Amount):
            return part
        rule = Direction(kind="direction", margin=part.rule.margin)
        return part.model_copy(update={"rule": rule})

    groups = {"parts": claim.parts, "beside": claim.beside}
    return claim.model_copy(
        update={name: tuple(map(turned, parts)) for name, parts in groups.items()}
    )


def standing_of(judged: PartJudgement, supported: Standing) -> Standing:
    """Return how a norm stands by a part of a claim; `supported` is what that would say.

    It leans where no run failed: with failures, the interval of what trained is not all of it.
    """
    word, found = judged.verdict.word, judged.estimate
    if judged.verdict.direction_settled and found is not None and judged.failures is None:
        sides = {"higher": supported, "lower": OPPOSITE[supported]}
        return LEANS[sides[found.reading]] if found.reading in sides else "unclear"
    if word == "supported":
        return supported
    if word == "refuted":
        return OPPOSITE[supported]
    if word == "no practical difference":
        return "same"
    return "untested" if word == "not tested here" else "unclear"


def _counted(
    named: OfClaim, part: Part, judged: PartJudgement, claim: Claim, evidence: Evidence
) -> tuple[Hundred | None, Failed | None]:
    """Return the errors in 100 and the failures behind a ratio of two arms' errors."""
    is_ratio = part.effect.target == ERRORS and part.control is not None
    if not is_ratio or named.supported == "same" or not judged.present_blocks:
        return None, None
    runs = evidence.runs[evidence.runs["experiment"] == claim.experiment]
    sides = compared(part, with_statistics(runs, claim.statistics))
    is_treatment = (part.asserts == "less") == (named.supported == "better")
    ours, theirs = sides if is_treatment else reversed(sides)
    pairs = pair(ours, theirs, block=part.block)
    ratio = judged.estimate
    if ratio is not None and named.supported == "worse":
        ratio = negated(ratio)
    return _hundred(pairs, ratio, str(part.effect.arguments["metric"])), _failed(pairs)


def _hundred(pairs: pd.DataFrame, ratio: Estimate | None, metric: str) -> Hundred | None:
    """Return errors in 100; none where an error is no share, or nothing trained.

    Args:
        pairs: The norm's runs, beside the other's.
        ratio: Log of the other's error over the norm's.
        metric: The error.
    """
    both = trained(pairs)
    if ratio is None or ratio.value is None or both.empty:
        return None
    score, error = column(both, score_of(metric)), column(both, metric)
    if not np.allclose(score + error, 1):
        return None
    base = 100 * math.exp(float(log_error_column(both, metric, CONTROL).mean()))

    def fewer(log: float | None) -> float | None:
        # no more than 100 of 100 are wrong; the log of an unbounded limit may be any number
        return None if log is None else base - min(base * math.exp(min(-log, 100)), 100)

    ends = {name: fewer(getattr(ratio, name)) for name in ("value", "low", "high")}
    difference = ratio.model_copy(update={**ends, "spread": None})
    return Hundred(norm=base * math.exp(-ratio.value), other=base, fewer=difference)


def _failed(pairs: pd.DataFrame) -> Failed | None:
    ours, theirs = int(failed(pairs).sum()), int(failed(pairs, CONTROL).sum())
    if not ours and not theirs:
        return None
    return Failed(norm=ours, other=theirs, runs=len(pairs))


def _of_tuned(named: OfTuned, evidence: Evidence, statistics: Statistics) -> Reading:
    source = f"{named.experiment}, {named.arm} against {named.against}"
    for each in evidence.of(tuned.figures).comparisons:
        place = (each.experiment, each.model, each.arm, each.against)
        if place != (named.experiment, named.model, named.arm, named.against) or not each.runs:
            continue
        ratio = each.recalibrated if statistics == "recalibrated" else each.log_error_ratio
        frames = (_confirmed(each, arm, evidence) for arm in (each.arm, each.against))
        pairs = pair(*(with_statistics(runs, statistics) for runs in frames), block=("seed",))
        turned = None if ratio is None else negated(ratio)
        return Reading(
            source=source,
            anchor="tuned",
            claim=None,
            part=None,
            standing=standing_of_ratio(ratio, evidence.margin),
            estimate=turned,
            errors=_hundred(pairs, turned, comparisons.METRIC),
            failed=_failed(pairs),
            note="",
        )
    return _untested(source, "tuned")


def standing_of_ratio(ratio: Estimate | None, margin: float) -> Standing:
    """Read the log of one tuned arm's error over another's."""
    word = comparisons.word_of(ratio, margin)
    if ratio is None or ratio.method == "none" or word != "can't tell":
        return TUNED[word]
    low, high = ratio.limits
    return "leans better" if high < 0 else "leans worse" if low > 0 else "unclear"


def _confirmed(found: comparisons.Comparison, arm: str, evidence: Evidence) -> pd.DataFrame:
    """Return the confirmed runs of all searches of one arm of a comparison."""
    cell = f"{found.experiment}/{found.dataset}/{found.model}/{found.optimizer}"
    names = [study.name for study in evidence.tuned if study.arm_name == f"{cell}/{arm}"]
    runs = evidence.every_run
    return runs[runs["study"].isin(names) & (runs["phase"] == CONFIRM)]


def _of_map(named: OfMap, evidence: Evidence) -> Reading:
    source = f"map, {named.arm} against {named.against}"
    for each in evidence.of(maps.figures).maps:
        place = (each.place.experiment, each.place.model, each.arm, each.against)
        if place != (named.experiment, named.model, named.arm, named.against) or not each.spots:
            continue
        helps, hurts = each.regions.helps, each.regions.hurts
        standing: Standing = "unclear"
        if 2 * helps >= 1 and not hurts:
            standing = "better"
        elif 2 * hurts >= 1 and not helps:
            standing = "worse"
        return Reading(
            source=source,
            anchor="where",
            claim=None,
            part=None,
            standing=standing,
            estimate=None,
            errors=None,
            failed=None,
            note=f"helps on {helps:.0%} and hurts on {hurts:.0%} of the map's area",
        )
    return _untested(source, "where")


def _untested(source: str, anchor: Literal["tuned", "where"]) -> Reading:
    return Reading(
        source=source,
        anchor=anchor,
        claim=None,
        part=None,
        standing="untested",
        estimate=None,
        errors=None,
        failed=None,
        note="",
    )
