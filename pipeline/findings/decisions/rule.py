"""From what was found to what to do: functions of words alone.

A decision says no more than the weakest reading it needs. Better than no norm is not better than
another norm; what nobody compared is as open as what came out unclear. Where a direction is known
and not whether the difference matters, a reading leans, and so does a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Standing = Literal["better", "worse", "same", "leans better", "leans worse", "unclear", "untested"]
Decision = Literal[
    "use it",
    "use it rather than none",
    "use the other instead",
    "leave it out",
    "makes no difference",
    "no different from none",
    "rather use it",
    "rather leave it out",
    "can't tell yet",
]

OPEN: tuple[Decision, ...] = ("can't tell yet", "rather use it", "rather leave it out")
USES: tuple[Decision, ...] = ("use it", "use it rather than none")


def meet(standings: Iterable[Standing]) -> Standing:
    """Return what several readings of one comparison say together.

    What was not tested says nothing; readings that differ leave it unclear.
    """
    said = set(standings) - {"untested"}
    if not said:
        return "untested"
    return said.pop() if len(said) == 1 else "unclear"


def decide(none: Standing, other: Standing | None) -> Decision:
    """Decide about a norm by how it stands against no norm and against another norm.

    Args:
        none: Against no norm.
        other: Against the other norm; None where nobody asks for one.
    """
    if none == "worse":
        return "leave it out"
    if other == "worse":
        return "use the other instead"
    if none == "leans worse":
        return "rather leave it out"
    if none == "leans better" and other != "leans worse":
        return "rather use it"
    if none not in ("better", "same"):
        return "can't tell yet"
    is_known = other in (None, "better", "same")
    if none == "better":
        return "use it" if is_known else "use it rather than none"
    return "makes no difference" if is_known else "no different from none"


def decide_with_change(
    as_is: tuple[Standing, Standing | None], changed: tuple[Standing, Standing | None]
) -> tuple[Decision, bool]:
    """Decide about a norm as a user gets it and, where that is no use, with a change.

    Args:
        as_is: What `decide` takes, of the norm with its moving averages.
        changed: The same, of the norm with the change.

    Returns:
        The decision, and whether it needs the change.
    """
    first, second = decide(*as_is), decide(*changed)
    if first not in USES and second in USES:
        return second, True
    return first, False
