"""What an effect means: `10% fewer errors`, `3.2 times the learning rate`, `12.5 points`.

Claims are judged in logs, decades and shares. A reader gets the same numbers in units of
everyday, by the kind of effect; a kind that is not known here reads as a bare number.
Effects come turned as their claim asserts them, and are turned back to say which way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.claims.claim import Part
from pipeline.statistics.intervals import Estimate, negated
from pipeline.wording import MISSING, NO_LIMIT, NONE, TIE, number, signed

KINDS = "pipeline.claims.kinds."


@dataclass(frozen=True)
class Phrase:
    """A number, a word and a noun, such as `10%`, `fewer`, `errors`.

    `grows`: a larger effect makes the number larger; else it says less of what there is more of.
    """

    number: str
    word: str
    noun: str
    grows: bool

    @property
    def short(self) -> str:
        """The number with its word: `10% fewer`."""
        return f"{self.number} {self.word}".strip()

    @property
    def whole(self) -> str:
        """All of it: `10% fewer errors`."""
        return f"{self.short} {self.noun}".strip()


Reading = Callable[[float], Phrase]  # of treatment minus control


def effect(part: Part, found: Estimate | None) -> str:
    """An effect with its interval, from the least to the most that the claim may count on."""
    if found is None:
        return MISSING
    return f"{value(part, found)} {interval(part, found)}"


def value(part: Part, found: Estimate) -> str:
    """An effect without its interval."""
    raw = _turned(part, found)
    if raw.value is None:
        return "an effect that nothing bounds"
    phrase = reading(part)(raw.value)
    return _known(raw, phrase) + phrase.whole


def interval(part: Part, found: Estimate) -> str:
    """The interval alone: bare numbers, the smaller first, where both ends say the same thing."""
    if found.low is None and found.high is None:
        return NONE
    middle = None if found.value is None else at(part, found.value).word
    ends = [None if end is None else at(part, end) for end in (found.low, found.high)]
    alike = all(end.word == middle for end in ends if end is not None)
    shown = [NO_LIMIT if end is None else end.number if alike else end.short for end in ends]
    first = ends[0] or ends[1]
    if alike and None not in ends and first and first.grows != (part.asserts == "greater"):
        shown.reverse()
    return f"[{shown[0]},{TIE}{shown[1]}]"


def at(part: Part, turned: float) -> Phrase:
    """Say one value of an effect, such as a margin, given as the claim asserts it."""
    return reading(part)(turned if part.asserts == "greater" else -turned)


def points(part: Part, found: Estimate | None) -> Estimate | None:
    """Treatment's accuracy minus control's, in points, whatever the claim asserts."""
    return None if found is None else _turned(part, found)


def reading(part: Part) -> Reading:
    """Return how a part's kind of effect reads."""
    kind = part.effect.target.removeprefix(KINDS)
    metric = str(part.effect.arguments.get("metric", ""))
    if kind.startswith("figures."):
        return _figure(kind, metric, part.effect.arguments.get("times") == 100)
    return READINGS.get(kind, _bare(""))


def _turned(part: Part, found: Estimate) -> Estimate:
    return found if part.asserts == "greater" else negated(found)


def _known(raw: Estimate, phrase: Phrase) -> str:
    """`at least`, turned where the words say less of what the effect has more of."""
    if raw.known == "exactly":
        return ""
    more = (raw.known == "at least") == phrase.grows
    return "at least " if more else "at most "


def _ratio(noun: str, less: str, more: str) -> Reading:
    def read(log: float) -> Phrase:
        times = _power(math.e, log)
        if times > 2:
            return Phrase(number(times), "times", f"the {noun}", grows=True)
        if times >= 1:
            return Phrase(_percent(times - 1), more, noun, grows=True)
        return Phrase(_percent(1 - times), less, noun, grows=False)

    return read


def _times(noun: str) -> Reading:
    return lambda log10: Phrase(number(_power(10, log10)), "times", f"the {noun}", grows=True)


def _points(noun: str, times: float = 1.0) -> Reading:
    return lambda found: Phrase(signed(times * found), "", noun, grows=True)


def _bare(noun: str) -> Reading:
    return lambda found: Phrase(number(found), "", noun, grows=True)


def _figure(kind: str, metric: str, in_hundredths: bool) -> Reading:
    if not in_hundredths:
        return _bare({"parameters": "weights"}.get(metric, ""))
    if kind == "figures.value":
        return lambda found: Phrase(f"{found:.2f}%", "", "", grows=True)
    return _points("points")


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _percent(part: float) -> str:
    """Whole percents, and one place where that would hide the difference."""
    shown = 100 * part
    return f"{shown:.1f}%" if shown < 1 or 99 < shown < 100 else f"{shown:.0f}%"


READINGS: dict[str, Reading] = {
    "errors.log_error_ratio": _ratio("errors", "fewer", "more"),
    "errors.difference_of_differences": _ratio("error ratio", "lower", "higher"),
    "disjoint.log_error_ratio": _ratio("errors", "fewer", "more"),
    "depth.slope_per_doubling": _ratio("error ratio per doubling", "lower", "higher"),
    "figures.failing_share": _points("points of failures", times=100),
    "largest_rate.largest_rate": _times("learning rate"),
    "shadow_gap.shadow_gap": _points("points of accuracy"),
    "spreads.epoch_spread_ratio": _ratio("spread", "less", "more"),
    "spreads.seed_spread_ratio": _ratio("spread", "less", "more"),
    "time_to_target.time_to_target": _ratio("steps", "fewer", "more"),
}
