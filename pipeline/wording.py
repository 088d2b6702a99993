"""Figures as words: how a number, an interval and a missing value read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipeline.arguments import Argument
from pipeline.statistics.intervals import Estimate

MISSING = "missing"
ABSENT = "\N{EM DASH}"  # does not apply, as opposed to missing
MINUS = "\N{MINUS SIGN}"
TIE = "\N{NO-BREAK SPACE}"  # keeps an interval on one line
NONE = f"[no{TIE}interval]"
NO_LIMIT = "no limit"
RAISED = str.maketrans(
    "-0123456789",
    "\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT ZERO}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}"
    "\N{SUPERSCRIPT THREE}\N{SUPERSCRIPT FOUR}\N{SUPERSCRIPT FIVE}\N{SUPERSCRIPT SIX}"
    "\N{SUPERSCRIPT SEVEN}\N{SUPERSCRIPT EIGHT}\N{SUPERSCRIPT NINE}",
)


def signed(value: float) -> str:
    """Two places and a sign, a real minus; zero has none."""
    shown = f"{value:.2f}"
    return shown.lstrip("-") if float(shown) == 0 else f"{value:+.2f}".replace("-", MINUS)


def points(found: Estimate | None) -> str:
    """A difference in points and its interval."""
    return _estimated(found, signed)


def percent(found: Estimate | None) -> str:
    """A mean share and its interval, in percent."""
    return _estimated(found, "{:.2%}".format)


def multiple(log: Estimate | None, *, base: float = math.e) -> str:
    """A ratio and its interval, from the estimate of its logarithm."""
    return _estimated(log, lambda value: number(base**value))


def percentage(level: float) -> str:
    """A level of confidence, such as 95% or 99.5%."""
    return f"{100 * level:.4g}%"


def place_of(placement: str) -> str:
    """Where an arm's norm stands."""
    return "inside the recurrence" if placement == "inside" else f"{placement} the activation"


def number(value: float) -> str:
    """Three digits, thousands apart, a real minus, small numbers as powers of ten."""
    if value and abs(value) < 1e-3:
        digits, _, power = f"{value:.2g}".partition("e")
        shown = f"{digits}\N{MIDDLE DOT}10{str(int(power)).translate(RAISED)}" if power else digits
    else:
        shown = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return shown.replace("-", MINUS)


def argument(value: Argument) -> str:
    """A hyperparameter's value, floats to three digits."""
    if isinstance(value, tuple):
        whole = [each for each in value if isinstance(each, int) and not isinstance(each, bool)]
        if len(whole) == len(value):
            return ranges(whole)
        return listed([argument(each) for each in value])
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def arguments(values: Mapping[str, Argument]) -> str:
    """Hyperparameters in one line, sorted, by the last part of their names if that says which."""
    named = settings(values)
    return ", ".join(
        f"{named[name]}{TIE}{argument(values[name])}"
        for name in sorted(values, key=named.__getitem__)
    )


def settings(names: Iterable[str]) -> dict[str, str]:
    """What settings are called where these are listed: their last part if that says which."""
    last = {name: name.rpartition(".")[2] for name in names}
    short = list(last.values())
    return {name: part if short.count(part) == 1 else name for name, part in last.items()}


def listed(items: Sequence[str], *, last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def ranges(numbers: Sequence[int]) -> str:
    """`0 to 16, 101 and 103 to 105`: whole numbers in a row from end to end."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown: list[str] = []
    for run in runs:
        shown += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run)
    return listed(shown) or "none"


def counted(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`, `5 searches`."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {noun}" if number == 1 else f"{number:,} {plural}"


def span(numbers: Sequence[int]) -> str:
    """`5` or `5 to 8`; nothing for nothing."""
    if not numbers:
        return "no"
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def capital(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def share(count: int, total: int) -> str:
    """`2 of 8`, or missing where there are none."""
    return f"{count} of {total}" if total else MISSING


def _estimated(found: Estimate | None, shown: Callable[[float], str]) -> str:
    """An estimate, what is known of it, and its interval; `shown` increases."""
    if found is None:
        return MISSING
    if found.value is None:
        return f"not bounded {NONE}"
    known = "" if found.known == "exactly" else f"{found.known} "
    if found.low is None and found.high is None:
        return f"{known}{shown(found.value)} {NONE}"
    low, high = (NO_LIMIT if end is None else shown(end) for end in (found.low, found.high))
    return f"{known}{shown(found.value)} [{low},{TIE}{high}]"
