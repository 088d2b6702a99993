"""What an effect comes to: `10% fewer errors [2%, 18%]`, `3.2 times the learning rate`.

Claims are judged in logs, decades and shares; a reader gets the same numbers as their kind of
effect reads. Effects come turned as their claim asserts them, and are turned back to say which
way, in the words of the claim's task.
"""

from __future__ import annotations

from pipeline.claims.claim import Part
from pipeline.claims.kind import Phrase, Reading, reads_as
from pipeline.records import Task
from pipeline.statistics.intervals import Estimate, negated
from pipeline.wording import MISSING, NO_LIMIT, NONE, TIE


def effect(part: Part, found: Estimate | None, task: Task) -> str:
    """An effect with its interval, from the least to the most that the claim may count on."""
    if found is None:
        return MISSING
    return f"{value(part, found, task)} {interval(part, found, task)}"


def value(part: Part, found: Estimate, task: Task) -> str:
    """An effect without its interval."""
    raw = _turned(part, found)
    if raw.value is None:
        return "an effect that nothing bounds"
    phrase = reading(part, task)(raw.value)
    return _known(raw, phrase) + phrase.whole


def interval(part: Part, found: Estimate, task: Task) -> str:
    """The interval alone: bare numbers, the smaller first, where both ends say the same thing."""
    if found.low is None and found.high is None:
        return NONE
    middle = None if found.value is None else at(part, found.value, task).word
    ends = [None if end is None else at(part, end, task) for end in (found.low, found.high)]
    alike = all(end.word == middle for end in ends if end is not None)
    shown = [NO_LIMIT if end is None else end.number if alike else end.short for end in ends]
    first = ends[0] or ends[1]
    if alike and None not in ends and first and first.grows != (part.asserts == "greater"):
        shown.reverse()
    return f"[{shown[0]},{TIE}{shown[1]}]"


def at(part: Part, turned: float, task: Task) -> Phrase:
    """Say one value of an effect, such as a margin, given as the claim asserts it."""
    return reading(part, task)(turned if part.asserts == "greater" else -turned)


def points(part: Part, found: Estimate | None) -> Estimate | None:
    """Treatment's score minus control's, in points, whatever the claim asserts."""
    return None if found is None else _turned(part, found)


def reading(part: Part, task: Task) -> Reading:
    """Return how a part's effect reads in its task's words."""
    return reads_as(part.effect.target).effect(part.effect.arguments, task)


def _turned(part: Part, found: Estimate) -> Estimate:
    return found if part.asserts == "greater" else negated(found)


def _known(raw: Estimate, phrase: Phrase) -> str:
    """`at least`, turned where the words say less of what the effect has more of."""
    if raw.known == "exactly":
        return ""
    more = (raw.known == "at least") == phrase.grows
    return "at least " if more else "at most "
