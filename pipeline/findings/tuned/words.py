"""How a tuned comparison reads: errors for each hundred of the other arm's."""

from __future__ import annotations

import math

from pipeline.findings.tuned.comparisons import Comparison
from pipeline.statistics.intervals import Estimate
from pipeline.wording import MISSING, NONE, TIE, counted, number

MOST = 1_000  # errors beyond which a multiple says nothing but that it is large


def change(log_ratio: float) -> str:
    """Read a log error ratio as what changes in a hundred errors: `12 fewer`, `30 more`."""
    apart = 100 * (math.exp(log_ratio) - 1)
    if abs(apart) < 0.5:
        return "as many"
    if apart > MOST:
        return f"over {MOST:,} more"
    shown = number(abs(apart)) if abs(apart) < 10 else f"{abs(apart):,.0f}"
    return f"{shown} {'fewer' if apart < 0 else 'more'}"


def in_100(found: Estimate | None) -> str:
    """`12 fewer errors in 100 [20 fewer, 3 fewer]`; an interval that is not there is said."""
    if found is None or found.value is None:
        return MISSING
    value = change(found.value)
    first = "as many errors" if value == "as many" else f"{value} errors in 100"
    if found.low is None or found.high is None:
        return f"{first} {NONE}"
    return f"{first} [{change(found.low)},{TIE}{change(found.high)}]"


def searches(found: Comparison) -> str:
    """How many searches came back in both arms, of those that were planned."""
    done = found.log_error_ratio.clusters if found.log_error_ratio else 0
    return f"{done} of {counted(found.planned, 'search')}"
