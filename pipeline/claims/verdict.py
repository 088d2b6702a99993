"""From an estimate to a verdict; the first matching row of the table wins.

The rows above the interval come first: what has not run is not tested here, and
too few clusters, too many missing blocks or a failed manipulation check are
inconclusive whatever the interval says. No p value decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.arguments import Count, Tally
from pipeline.claims.rules import Amount, Direction, Exact, IntervalRule, Rule, Word, word_of
from pipeline.claims.settling import clusters_to_settle
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate

MISSING_SHARE = 0.05  # of the planned blocks; above it a verdict would be about who is missing


class Evidence(Record):
    """What a claim's part is judged by.

    `clusters` counts the seeds of blocks that can be compared; `estimate` is
    absent where there are none; `largest_departure` is how far the values stray
    from an exact rule's value, absent without values.
    `manipulation_failure` says in words why the runs did not do what the claim
    is about, and is absent when they did.
    """

    estimate: Estimate | None
    largest_departure: Annotated[float, Field(ge=0)] | None
    clusters: Tally
    planned_blocks: Count
    present_blocks: Tally
    manipulation_failure: str | None


class Verdict(Record):
    """The answer to one claim.

    `reason` says why it is inconclusive or not tested. `direction_settled`:
    zero lies outside an interval that does not clear the margin.
    `clusters_to_settle` would bring the half-width to the distance from the
    nearest boundary; absent where no number would. `direction` is the verdict on
    the direction alone, beside a refuted amount.
    """

    judged_by: ClassVar = ("word", None)

    word: Word
    reason: str | None
    direction_settled: bool
    clusters_to_settle: Count | None
    direction: Word | None


def judge(rule: Rule, evidence: Evidence | None, *, minimum: int) -> Verdict:
    """Judge one part of a claim.

    Args:
        rule: Its kind, amount or band, and margin.
        evidence: None where the profile does not run it.
        minimum: Clusters under which nothing is concluded.
    """
    if evidence is None:
        return plain_verdict("not tested here", "this profile does not run it")
    if reasons := _obstacles(evidence, minimum):
        settled = None
        if not isinstance(rule, Exact) and evidence.estimate is not None:
            settled = clusters_to_settle(rule, evidence.estimate, minimum=minimum)
        return plain_verdict("inconclusive", "; ".join(reasons), clusters=settled)
    if isinstance(rule, Exact):
        departure = evidence.largest_departure
        if departure is None:
            return plain_verdict("inconclusive", "there are no values")
        holds = (departure <= rule.tolerance) == (rule.asserts == "within")
        return plain_verdict("supported" if holds else "refuted")
    if evidence.estimate is None:
        return plain_verdict("inconclusive", "no block trained in both arms")
    return _by_interval(rule, evidence.estimate, minimum)


def conjunction(
    parts: Sequence[Verdict], corrected: Sequence[Verdict], *, names: Sequence[str]
) -> Verdict:
    """Judge a claim of k parts that must all hold.

    Args:
        parts: Verdicts at the claim's level 1 - alpha.
        corrected: The same at 1 - alpha / k: one of k may be refuted by chance.
        names: Of the parts, for the reason.

    Raises:
        ValueError: The lengths differ, or there are no parts.
    """
    if not parts or not len(parts) == len(corrected) == len(names):
        raise ValueError("a conjunction has at least one part, with both verdicts and a name each")
    if len(parts) == 1:
        return parts[0]
    words = [part.word for part in parts]
    if set(words) == {"supported"}:
        return plain_verdict("supported")
    if any(part.word == "refuted" for part in corrected):
        return plain_verdict("refuted")
    if set(words) == {"no practical difference"}:
        return plain_verdict("no practical difference")
    if set(words) == {"not tested here"}:
        return plain_verdict("not tested here", "this profile runs none of its parts")
    reason = "; ".join(f"{name}: {word}" for name, word in zip(names, words, strict=True))
    needed = [part.clusters_to_settle for part in parts if part.word == "inconclusive"]
    known = [count for count in needed if count is not None]
    settled = max(known) if known and len(known) == len(needed) else None
    return plain_verdict("inconclusive", reason, clusters=settled)


def plain_verdict(word: Word, reason: str | None = None, *, clusters: int | None = None) -> Verdict:
    """Return a verdict that has nothing more to say about directions."""
    return Verdict(
        word=word,
        reason=reason,
        direction_settled=False,
        clusters_to_settle=clusters,
        direction=None,
    )


def _obstacles(evidence: Evidence, minimum: int) -> list[str]:
    found = []
    if not evidence.present_blocks:
        found.append("no block ran in both arms")
    elif evidence.clusters < minimum:
        found.append(f"{evidence.clusters} of at least {minimum} clusters can be compared")
    missing = evidence.planned_blocks - evidence.present_blocks
    if missing > MISSING_SHARE * evidence.planned_blocks:
        found.append(f"{missing} of {evidence.planned_blocks} blocks are missing")
    if evidence.manipulation_failure is not None:
        found.append(f"the manipulation check failed: {evidence.manipulation_failure}")
    return found


def _by_interval(rule: IntervalRule, estimate: Estimate, minimum: int) -> Verdict:
    low, high = estimate.limits
    word = word_of(rule, low, high)
    direction = None
    if isinstance(rule, Amount) and word == "refuted":
        direction = word_of(Direction(kind="direction", margin=rule.margin), low, high)
    undecided = word == "inconclusive"
    return Verdict(
        word=word,
        reason=_crossing(estimate) if undecided else None,
        direction_settled=undecided and isinstance(rule, Direction) and (low > 0 or high < 0),
        clusters_to_settle=clusters_to_settle(rule, estimate, minimum=minimum)
        if undecided
        else None,
        direction=direction,
    )


def _crossing(estimate: Estimate) -> str:
    if estimate.low is None and estimate.high is None:
        return f"{estimate.clusters} clusters like these bound the effect on neither side"
    return "the interval reaches over a boundary"
