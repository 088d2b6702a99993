"""The answer in a minute: how the claims came out, what tells most, and how far to trust it."""

from __future__ import annotations

from collections import Counter

from pipeline.findings.decisions.figures import Figures as Decisions
from pipeline.findings.map import section as maps
from pipeline.findings.screening import screening
from pipeline.findings.summary import Summary
from pipeline.findings.tuned import section as tuned
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Block, Finding, Lead, Section
from pipeline.wording import counted, listed

CONCLUSIVE = ("supported", "refuted", "no practical difference")


def section(summary: Summary) -> Section:
    """Return the lead: sentences, the conclusive claims, and what spoils them."""
    claims = [found for found in summary.of(Claims).claims if found.claim.control is None]
    is_tested = any(each.judgement.verdict.word != "not tested here" for each in claims)
    if is_tested:
        before = [tally(claims)]
    elif summary.of(Tuned).arms:
        before = [tuned.comparison(summary)]
    else:
        before = maps.areas(summary)
    after = [_open(claims)]
    if is_tested and summary.of(Tuned).arms:
        after.append(tuned.comparison(summary))
    after += [tuned.spoilers(summary), controls(summary)]
    if not summary.of(Decisions).decided:  # which say it first
        after.append(screening(summary))
    blocks: tuple[Block, ...] = (
        Lead(
            sentences=tuple(filter(None, [*before, disagreements(claims)])),
            findings=tuple(_finding(found) for found in _telling(claims)),
            after=tuple(filter(None, after)),
        ),
    )
    return Section("answer", "The answer", blocks)


def disagreements(claims: list[ClaimFigures]) -> str:
    """Name the claims on which moving and recalibrated statistics disagree; empty without any."""
    found = []
    for each in claims:
        judgement = each.judgement
        if judgement.disagrees:
            other = "recalibrated" if judgement.statistics == "moving" else "moving"
            found.append(
                f"{each.claim.id} ({judgement.verdict.word} with {judgement.statistics}, "
                f"{judgement.other.word} with {other} ones)"
            )
    if not found:
        return ""
    return (
        "The moving statistics, which a user gets, and statistics recalibrated over training "
        f"examples disagree on {listed(found)}."
    )


def tally(claims: list[ClaimFigures]) -> str:
    """Say how many claims came out in which way, in one sentence."""
    counts = Counter(found.judgement.verdict.word for found in claims)
    tested = len(claims) - counts["not tested here"]
    words = [word for word in claims_words.MARKS if word != "not tested here" and counts[word]]
    came = [f"{counts[word]} {'came out ' * (not n)}{_said(word)}" for n, word in enumerate(words)]
    text = f"At this scale, of {counted(tested, 'claim')} about normalization {listed(came)}"
    untested = counts["not tested here"]
    if not untested:
        return f"{text}."
    return f"{text}; {untested} more {'is' if untested == 1 else 'are'} not tested here."


def _said(word: str) -> str:
    return "without a practical difference" if word == "no practical difference" else word


def _telling(claims: list[ClaimFigures]) -> list[ClaimFigures]:
    """The conclusive claims, headline claims first."""
    found = [each for each in claims if each.judgement.verdict.word in CONCLUSIVE]
    return sorted(found, key=lambda each: not each.claim.headline)


def _finding(found: ClaimFigures) -> Finding:
    claim, judgement = found.claim, found.judgement
    pairs = list(zip(claim.parts, judgement.parts, strict=True))
    same = [pair for pair in pairs if pair[1].verdict.word == judgement.verdict.word] or pairs
    part, judged = max(same, key=lambda pair: pair[1].estimate is not None)
    effect = claims_words.outcome(part, judged, found.task)
    if judged.failures is not None:
        effect += f"; failures {claims_words.failures(part, judged.failures)}"
    return Finding(
        mark=claims_words.MARKS[judgement.verdict.word],
        claim=claim.id,
        statement=claim.statement,
        effect=f"{part.name}: {effect}",
    )


def _open(claims: list[ClaimFigures]) -> str:
    left = [each for each in claims if each.judgement.verdict.word == "inconclusive"]
    apart = [each for each in left if claims_words.is_told_apart(each.judgement)]
    undecided = [each for each in left if each not in apart]
    lines = [
        f"{each.claim.id} holds in part: {claims_words.parts_told(each.judgement)}."
        for each in apart
    ]
    if not undecided:
        return " ".join(lines)
    named = []
    for each in undecided:
        needed = claims_words.seeds_needed(each.judgement.verdict)
        named.append(f"{each.claim.id}, {needed}" if needed else each.claim.id)
    some = any(each.judgement.verdict.settled for each in undecided)
    hint = ", with the seeds that would settle them" if some else ""
    return " ".join([f"Undecided{hint}: {'; '.join(named)}.", *lines])


def controls(summary: Summary) -> str:
    """Say what the controls came to, each of them and the rule's error on differences of nothing.

    All is well only if every control ran and passed and no claim's error exceeds its level.
    """
    claims = summary.of(Claims).claims
    found = [each for each in claims if each.claim.control is not None]
    ran = [each for each in found if each.control is not None]
    failed = [each.claim.id for each in ran if each.control and not each.control.passed]
    over = [each.claim.id for each in claims if each.error and each.error.exceeds]
    if failed:
        return (
            f"The control{'s' if len(failed) > 1 else ''} {listed(failed)} did not come out as "
            "the truth that is known beforehand: no verdict here is to be relied on."
        )
    if not ran:
        return ""
    whose = (
        "The control, whose truth is known beforehand,"
        if len(ran) == 1
        else f"All {len(ran)} controls that ran, whose truth is known beforehand,"
    )
    text = f"{whose} came out as {'it' if len(ran) == 1 else 'they'} must"
    if missing := [each.claim.id for each in found if each.control is None]:
        text += f"; {listed(missing)} did not run"
    if over:
        text += (
            f"; but with signs flipped at random the rule errs more often than its level allows "
            f"in {listed(over)}"
        )
    return f"{text}."
