"""What a kind of effect says of itself: which columns its arguments name, and how it reads.

    @reads(ratio("steps", "fewer", "more"))
    def time_to_target(treatment, control, *, block, curve: Curve, target: float) -> Sample:

Compose holds every claim to that signature, and the report reads the effect in those words. A
kind without `reads` reads as a bare number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_type_hints

from pipeline.arguments import Argument
from pipeline.components import resolve
from pipeline.records import ErrorWords, Task
from pipeline.statistics.samples import Sample
from pipeline.wording import number, signed


@dataclass(frozen=True)
class Column:
    """What an argument's text names: a figure, an error or a curve of a run, or a setting."""

    of: Literal["figure", "error", "curve", "setting"]


Figure = Annotated[str, Column("figure")]
Error = Annotated[str, Column("error")]
Curve = Annotated[str, Column("curve")]
Setting = Annotated[str, Column("setting")]


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
Read = Callable[[Mapping[str, Argument], Task], Reading]  # by a claim's arguments and its task


class Reads(NamedTuple):
    """How a kind's effect reads, and what the unit of its difference in failures is."""

    effect: Read
    failures: str


Kind = TypeVar("Kind", bound=Callable[..., Sample])


def reads(effect: Read, *, failures: str = "points") -> Callable[[Kind], Kind]:
    """Say how a kind of effect reads."""

    def said(kind: Kind) -> Kind:
        vars(kind)["reads"] = Reads(effect, failures)
        return kind

    return said


def reads_as(target: str) -> Reads:
    """Return how the kind of effect that a dotted path leads to reads.

    Raises:
        Refusal: The path leads nowhere.
    """
    found: Reads = getattr(resolve(target), "reads", Reads(bare(), "points"))
    return found


def declared(target: str) -> dict[str, Any]:
    """Return the annotations of a kind's arguments, by name; none where they can't be evaluated.

    Raises:
        Refusal: The path leads nowhere.
    """
    try:
        return get_type_hints(resolve(target), include_extras=True)
    except (NameError, AttributeError, TypeError):  # such as imports for a type checker alone
        return {}


def column_of(annotation: object) -> str | None:
    """Return what an argument with this annotation names, if it names a column."""
    said = getattr(annotation, "__metadata__", ())
    return next((each.of for each in said if isinstance(each, Column)), None)


def ratio(noun: str, less: str, more: str) -> Read:
    """Read a natural logarithm: `10% fewer steps`, `2.5 times the steps`."""
    return lambda *_: ratio_of(ErrorWords(noun=noun, less=less, more=more))


def error_ratio() -> Read:
    """Read a natural logarithm of two errors in the task's words: `10% fewer errors`."""
    return lambda _, task: ratio_of(task.error)


def times(noun: str) -> Read:
    """Read decades: `3.16 times the learning rate`."""
    return lambda *_: (
        lambda log: Phrase(number(_power(10, log)), "times", f"the {noun}", grows=True)
    )


def points(noun: str = "points", *, times: float = 1.0) -> Read:
    """Read a difference, times a factor, with its sign: `+1.20 points`."""
    return lambda *_: lambda found: Phrase(signed(times * found), "", noun, grows=True)


def score_points() -> Read:
    """Read a difference in hundredths of the task's score: `+1.20 points of R2`."""
    return lambda _, task: points(f"points of {task.score}")(_, task)


def bare(noun: str = "") -> Read:
    """Read a number as it is: `384 weights`."""
    return lambda *_: lambda found: Phrase(number(found), "", noun, grows=True)


def ratio_of(of: ErrorWords) -> Reading:
    """Return how natural logarithms of two such errors read."""

    def read(log: float) -> Phrase:
        multiple = _power(math.e, log)
        if multiple > 2:
            return Phrase(number(multiple), "times", f"the {of.noun}", grows=True)
        if multiple >= 1:
            return Phrase(_percent(multiple - 1), of.more, of.noun, grows=True)
        return Phrase(_percent(1 - multiple), of.less, of.noun, grows=False)

    return read


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _percent(part: float) -> str:
    """Whole percents, and one place where that would hide the difference."""
    shown = 100 * part
    return f"{shown:.1f}%" if shown < 1 or 99 < shown < 100 else f"{shown:.0f}%"
