"""Every claim with its verdict, its effect and how far to trust it, on one table."""

from __future__ import annotations

from pipeline.claims.claim import Part
from pipeline.claims.judgement import PartJudgement
from pipeline.findings import conditions
from pipeline.findings.drawing import figure
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.chart import claims_chart
from pipeline.findings.verdicts.figures import ClaimFigures, Figures
from pipeline.page.blocks import (
    Block,
    Command,
    EffectLine,
    Nothing,
    Section,
    Text,
    VerdictRow,
    Verdicts,
)
from pipeline.wording import ABSENT, counted, listed


def section(summary: Summary) -> Section:
    """Return the table, the score of expectations, and the picture of all effects."""
    every = [found for found in summary.of(Figures).claims if found.claim.control is None]
    claims = [found for found in every if found.judgement.verdict.word != "not tested here"]
    blocks: list[Block] = []
    if not claims:
        blocks.append(Nothing("Nothing to show: this profile tests no claim."))
    else:
        blocks += [
            Verdicts(
                caption="Verdicts, claim by claim", rows=tuple(_row(found) for found in claims)
            ),
            *([Text(untested)] if (untested := _untested(every)) else []),
            Text(score(claims)),
            Text(
                "An effect is that of the runs in which both sides trained; its interval is over "
                "seeds, at the claim's own level; behind the seeds stands how many are needed. "
                "Robust says in how many other specifications "
                "(the other kind of statistics, further experiments) the verdict is the same; "
                "where no further experiment was run, there is one specification."
            ),
            Command(summary.commands["claims"]),
            figure(
                summary,
                "claims",
                claims_chart,
                caption="Effects with intervals of all parts that claim a direction or an "
                "equivalence, as multiples of the margin that each claim fixed beforehand; the "
                "axis is logarithmic beyond 1. Inside the shaded zone a difference is practically "
                "none. An interval without a limit is dashed to the edge.",
                described=_described(claims),
                stage="claims",
            ),
        ]
    return Section("verdicts", "Claims and verdicts", tuple(blocks))


def _untested(claims: list[ClaimFigures]) -> str:
    """Name the claims that the profile does not run; empty without any."""
    names = [
        found.claim.id for found in claims if found.judgement.verdict.word == "not tested here"
    ]
    return f"This profile does not run what tests {listed(names)}." if names else ""


def score(claims: list[ClaimFigures]) -> str:
    """Say how many verdicts came out as written down before the runs."""
    tested = [found for found in claims if found.judgement.as_expected is not None]
    if not tested:
        return "No claim was tested here, so that no expectation can be scored."
    right = [found for found in tested if found.judgement.as_expected]
    wrong = [found.claim.id for found in tested if not found.judgement.as_expected]
    text = (
        f"{len(right)} of {counted(len(tested), 'verdict')} came out as expected, in the words "
        "that each claim's file had before the runs"
    )
    return f"{text}; not {listed(wrong, last='nor')}." if wrong else f"{text}."


def _row(found: ClaimFigures) -> VerdictRow:
    claim, judgement = found.claim, found.judgement
    parts = list(zip(claim.parts, judgement.parts, strict=True))
    tested = judgement.as_expected is not None
    effects = [_effect(found, part, judged) for part, judged in parts]
    reasons = [_reason(found)] if tested else []
    if judgement.disagrees:
        reasons.append(f"with {_other(found)} statistics: {judgement.other.word}")
    return VerdictRow(
        claim=claim.id,
        statement=claim.statement,
        settings=conditions.said(found.conditions) if found.conditions else "",
        mark=claims_words.MARKS[judgement.verdict.word],
        reason="; ".join(filter(None, reasons)),
        effects=tuple(effects) if tested else (EffectLine(None, ABSENT),),
        clusters=_clusters(found) if tested else f"0 ({found.minimum})",
        robustness=_robustness(found),
        expected=claim.expected,
        came=_came(judgement.as_expected),
    )


def _effect(found: ClaimFigures, part: Part, judged: PartJudgement) -> EffectLine:
    text = claims_words.outcome(part, judged, found.task)
    if (points := claims_words.in_points(part, judged)) != ABSENT:
        text += f" ({points} points)"
    if judged.failures is not None:
        text += f"; failures {claims_words.failures(part, judged.failures)}"
    alone = len(found.claim.parts) == 1
    mark = None if alone else claims_words.MARKS[judged.verdict.word]
    return EffectLine(mark, f"{part.name}: {text}")


def _reason(found: ClaimFigures) -> str:
    """Why it is not more; of several parts the signs beside their effects say it."""
    verdict = found.judgement.verdict
    if len(found.claim.parts) > 1 and verdict.reason:
        verdict = verdict.model_copy(update={"reason": claims_words.parts_told(found.judgement)})
    return claims_words.reason(verdict)


def _clusters(found: ClaimFigures) -> str:
    """Seeds of the part that has fewest, of those needed; runs where nothing has an interval.

    Of a refuted claim, one part that is refuted is enough.
    """
    parts = found.judgement.parts
    if found.judgement.verdict.word == "refuted":
        parts = tuple(each for each in parts if each.verdict.word == "refuted") or parts
    counts = [judged.estimate.clusters for judged in parts if judged.estimate is not None]
    if counts:
        return f"{min(counts)} ({found.minimum})"
    return claims_words.clusters(found.claim, found.judgement.parts[0], found.minimum)


def _robustness(found: ClaimFigures) -> str:
    robust = found.robustness
    if not robust.tested or found.judgement.as_expected is None:
        return ABSENT
    if len(robust.untested) == len(found.claim.specifications):
        return "one specification"
    return f"{robust.same} of {robust.tested}"


def _came(as_expected: bool | None) -> str:
    if as_expected is None:
        return ABSENT
    return "as expected" if as_expected else "not as expected"


def _other(found: ClaimFigures) -> str:
    return "recalibrated" if found.claim.statistics == "moving" else "moving"


def _described(claims: list[ClaimFigures]) -> str:
    found = [f"{each.claim.id} {each.judgement.verdict.word}" for each in claims]
    return f"Points with intervals, one row for each part of a claim. {'; '.join(found)}."
