"""How a tuned comparison reads, in the task's own words."""

from __future__ import annotations

from pipeline.claims.kind import ratio_of
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.records import ErrorWords
from pipeline.statistics.intervals import Estimate
from pipeline.wording import MISSING, NO_LIMIT, NONE, TIE, counted


def effect(found: Estimate | None, error: ErrorWords) -> str:
    """Read a log error ratio: `12% fewer errors [20% fewer, 3% fewer]`."""
    if found is None or found.value is None:
        return MISSING
    says = ratio_of(error)
    first = says(found.value).whole
    if found.low is None and found.high is None:
        return f"{first} {NONE}"
    ends = (NO_LIMIT if end is None else says(end).short for end in (found.low, found.high))
    return f"{first} [{f',{TIE}'.join(ends)}]"


def searches(found: Comparison) -> str:
    """How many searches came back in both arms, of those that were planned."""
    done = found.log_error_ratio.clusters if found.log_error_ratio else 0
    return f"{done} of {counted(found.planned, 'search')}"
