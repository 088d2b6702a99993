"""Failures come first: how a difference in failures and one among trained blocks make a verdict.

They are never averaged. Where some run failed, the paired difference in the
share of failures is the headline; what blocks say in which both trained stands
beside it and decides only where failures make no practical difference.
"""

from __future__ import annotations

from pipeline.claims.rules import Direction, Equivalence, Exact, IntervalRule, Rule
from pipeline.claims.verdict import Verdict, plain_verdict


def failure_rule(rule: Rule, margin: float, *, paired: bool) -> IntervalRule:
    """Return what the difference in failures is judged by.

    A direction claimed of two arms is claimed of their failures too; else there
    should be none to speak of.
    """
    if isinstance(rule, Direction) and paired:
        return Direction(kind="direction", margin=margin)
    return Equivalence(kind="equivalence", margin=margin)


def with_failures(
    rule: Rule, judged_by: IntervalRule, failures: Verdict, trained: Verdict
) -> Verdict:
    """Combine the two verdicts of a part, lexicographically.

    Args:
        rule: Of the part. An exact rule is about values that failed runs have too.
        judged_by: Its `failure_rule`.
        failures: The verdict of that rule.
        trained: On the blocks in which both trained.
    """
    if isinstance(rule, Exact):
        return trained
    same = "no practical difference" if isinstance(judged_by, Direction) else "supported"
    if failures.word == same:
        return trained
    if failures.word == "inconclusive":
        reason = f"some runs failed, and their share is not settled: {failures.reason}"
        return failures.model_copy(update={"reason": reason})
    if isinstance(judged_by, Direction) or isinstance(rule, Equivalence):
        return failures
    return plain_verdict(
        "inconclusive", "the arms fail differently often; the effect is known where both trained"
    )
