"""What the judgement of a claim says: its verdict, and what stands behind each part."""

from __future__ import annotations

from typing import ClassVar

from pipeline.arguments import Proportion, Tally
from pipeline.claims.verdict import Verdict
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.own_rates import Chosen
from pipeline.statistics.pairs import Statistics


class FailureJudgement(Record):
    """The oriented difference in the share of failures; positive is as the claim asserts.

    It stands beside: what decides is in how many seeds which side failed more often, `more`
    and `fewer` as the claim asserts it.
    """

    judged_by: ClassVar = ("verdict", "estimate")

    estimate: Estimate
    verdict: Verdict
    mcnemar: float | None
    more: Tally
    fewer: Tally


class PartJudgement(Record):
    """What one part came to; `verdict` ranks failures before all scores where a run failed.

    `trained` is about the blocks in which both trained, and so is `estimate`, by signed ranks;
    it is absent without such blocks, and for an exact rule, whose `largest_departure` stands
    instead. `mean` is the same effect with a t interval, which decides nothing. `points` is
    treatment's score minus control's in hundredths, turned by the same rule: where fewer
    errors are asserted, a higher score is negative.
    `better` is the share of blocks on the claim's side, ties half.
    `chosen` are the values at which the sides stand where each has its own.
    """

    judged_by: ClassVar = ("verdict", "estimate")

    named_by: ClassVar = ("name",)

    name: str
    verdict: Verdict
    trained: Verdict
    estimate: Estimate | None
    mean: Estimate | None
    points: Estimate | None
    largest_departure: float | None
    failures: FailureJudgement | None
    better: Proportion | None
    planned_blocks: Tally
    present_blocks: Tally
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...]

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say."""
        return ("trained",) if self.failures is None else ()


class Judgement(Record):
    """The verdict on a claim, and what stands behind it.

    `other` is the verdict with the other statistics, `disagrees` says that it is
    a different one. `as_expected` is absent where nothing was tested.
    """

    judged_by: ClassVar = ("verdict", None)

    claim: str
    statistics: Statistics
    verdict: Verdict
    parts: tuple[PartJudgement, ...]
    beside: tuple[PartJudgement, ...]
    manipulation: tuple[PartJudgement, ...]
    other: Verdict
    disagrees: bool
    as_expected: bool | None
