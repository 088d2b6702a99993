"""From an estimate to a verdict; the first matching row of the table wins.

The rows above the interval come first: what has not run is not tested here, and
too few clusters, too many missing blocks or a failed manipulation check are
inconclusive whatever the interval says. No p value decides anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.arguments import Count, Tally
from pipeline.claims.rules import Amount, Direction, Exact, IntervalRule, Rule, Word, word_of
from pipeline.claims.settling import Settling, settling
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate

MISSING_SHARE = 0.05  # of the planned blocks; above it a verdict would be about who is missing


class Evidence(Record):
    """What a claim's part is judged by.

    `clusters` counts the seeds that can be compared, those with failed runs among
    them; `estimate` is that of blocks that trained, absent where there are none;
    `largest_departure` is how far the values stray from an exact rule's value, absent
    without values.
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
    nearest boundary; absent where no number would. `settling` is the range that the
    effect and its spread leave it, each a standard error better or worse; its end is
    absent where no number might be enough. `direction` is the verdict on
    the direction alone, beside a refuted amount.
    """

    judged_by: ClassVar = ("word", None)

    word: Word
    reason: str | None
    direction_settled: bool
    clusters_to_settle: Count | None
    settling: tuple[Count, Count | None] | None
    direction: Word | None

    @property
    def settled(self) -> Settling | None:
        """How many clusters would settle it, as far as that can be said."""
        if self.clusters_to_settle is None or self.settling is None:
            return None
        fewest, most = self.settling
        return Settling(likely=self.clusters_to_settle, fewest=fewest, most=most)


def judge(
    rule: Rule,
    evidence: Evidence | None,
    *,
    minimum: int,
    limits: tuple[float, float] | None = None,
) -> Verdict:
    """Judge one part of a claim.

    Args:
        rule: Its kind, amount or band, and margin.
        evidence: None where the profile does not run it.
        minimum: Clusters under which nothing is concluded.
        limits: Of the effect over all clusters, where runs failed or values agree; else the
            estimate's are.
    """
    if evidence is None:
        return plain_verdict("not tested here", "this profile does not run it")
    found = evidence.estimate
    if reasons := _obstacles(evidence, minimum):
        needed = None
        if not isinstance(rule, Exact) and found is not None:
            needed = settling(rule, found, minimum=minimum)
        return plain_verdict("inconclusive", "; ".join(reasons), needed=needed)
    if isinstance(rule, Exact):
        departure = evidence.largest_departure
        if departure is None:
            return plain_verdict("inconclusive", "there are no values")
        holds = (departure <= rule.tolerance) == (rule.asserts == "within")
        return plain_verdict("supported" if holds else "refuted")
    if limits is None:
        if found is None:
            return plain_verdict("inconclusive", "no block trained in both arms")
        limits = found.limits
    return _by_interval(rule, limits, evidence, minimum)


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
    open_parts = [part for part in parts if part.word == "inconclusive"]
    needed = [part.settled for part in open_parts]
    known = [each for each in needed if each is not None]
    most = _of_all(known) if known and len(known) == len(needed) else None
    return plain_verdict("inconclusive", reason, needed=most)


def plain_verdict(
    word: Word, reason: str | None = None, *, needed: Settling | None = None
) -> Verdict:
    """Return a verdict that has nothing more to say about directions."""
    return Verdict(
        word=word,
        reason=reason,
        direction_settled=False,
        clusters_to_settle=needed.likely if needed else None,
        settling=needed.range if needed else None,
        direction=None,
    )


def _of_all(needed: Sequence[Settling]) -> Settling:
    """Clusters that settle every part: the most that any needs."""
    mosts = [each.most for each in needed]
    return Settling(
        likely=max(each.likely for each in needed),
        fewest=max(each.fewest for each in needed),
        most=None if None in mosts else max(most for most in mosts if most is not None),
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


def _by_interval(
    rule: IntervalRule, limits: tuple[float, float], evidence: Evidence, minimum: int
) -> Verdict:
    low, high = limits
    word = word_of(rule, low, high)
    direction = None
    if isinstance(rule, Amount) and word == "refuted":
        direction = word_of(Direction(kind="direction", margin=rule.margin), low, high)
    undecided = word == "inconclusive"
    needed = None
    if undecided and evidence.estimate is not None:
        needed = settling(rule, evidence.estimate, minimum=minimum)
    return Verdict(
        word=word,
        reason=_crossing(low, high, evidence.clusters) if undecided else None,
        direction_settled=undecided and isinstance(rule, Direction) and (low > 0 or high < 0),
        clusters_to_settle=needed.likely if needed else None,
        settling=needed.range if needed else None,
        direction=direction,
    )


def _crossing(low: float, high: float, clusters: int) -> str:
    if math.isinf(low) and math.isinf(high):
        return f"{clusters} clusters like these bound the effect on neither side"
    return "the interval reaches over a boundary"
