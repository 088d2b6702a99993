"""Two analyses side by side: what the new one says differently, and how much that means.

Every figure of the two records is looked at. A cell is a figure with a word of judgement, an
interval, or both: it changed beyond its interval when the word is another, when the intervals
do not overlap, or when one side lacks it. Whatever has neither is compared to the last digit.
Clock readings, and what describes where an analysis was made, are told apart from the digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from pipeline.analysis.claim_figures import ClaimFigures, PartNoise
from pipeline.analysis.claims import Part
from pipeline.analysis.comparisons import Contrast
from pipeline.analysis.controls import Control
from pipeline.analysis.effects import Effect, Ratio
from pipeline.analysis.factors import Factors, Setting
from pipeline.analysis.intervals import Estimate
from pipeline.analysis.judging import FailureJudgement, Judgement, PartJudgement
from pipeline.analysis.maps import Map, Spot
from pipeline.analysis.searches import TrialPoint
from pipeline.analysis.stability import ArmStability, RateFigures, Stability
from pipeline.analysis.summary import Data, StudyFailures, StudyFigures, Summary
from pipeline.analysis.targets import ArmTime, TimeToTarget
from pipeline.analysis.trajectories import Line, Trajectory
from pipeline.analysis.verdicts import Verdict
from pipeline.analysis.where import BatchPoint, Bin
from pipeline.content import Record, canonical_json

Group = Literal["verdicts", "effects", "tuned", "maps", "other"]
Kind = Literal["digits", "clock", "origin"]
Place = tuple[str, ...]
Interval = Effect | Estimate | Ratio
Tally = Annotated[int, Field(ge=0)]

CELL = ("dataset", "model", "optimizer")
ABSENT = "absent"
LAST_BITS = 1e-12  # as in `effects.mean_effect`: less than that is no spread

# What a list's record is known by; any other is known by its place in the list.
NAMED_BY: dict[type[Record], tuple[str, ...]] = {
    ArmStability: ("arm",),
    ArmTime: ("arm",),
    BatchPoint: ("batch_size",),
    Data: ("name",),
    Factors: ("experiment", *CELL),
    Line: ("kind", "momentum"),
    Map: ("experiment", *CELL, "arm"),
    Part: ("name",),
    PartJudgement: ("name",),
    PartNoise: ("part",),
    RateFigures: ("learning_rate",),
    Setting: ("arm", "values"),
    Spot: ("learning_rate", "batch_size", "seed"),
    Stability: ("experiment", *CELL, "batch_size"),
    StudyFailures: ("study", "phase"),
    StudyFigures: ("name",),
    TimeToTarget: ("experiment", *CELL, "curve", "target"),
    Trajectory: ("study",),
    TrialPoint: ("index",),
}

# The word and the interval of what is one cell, by their fields; a verdict's word is `word`.
CELLS: dict[type[Record], tuple[str, str | None]] = {
    Bin: ("reading", "gain"),
    Contrast: ("reading", "points"),
    FailureJudgement: ("verdict", "estimate"),
    Judgement: ("verdict", None),
    PartJudgement: ("verdict", "estimate"),
    Verdict: ("word", None),
}

CLOCKS: dict[type[Record], tuple[str, ...]] = {
    ArmTime: ("median_seconds", "step_milliseconds", "norm_kernel", "cost_ratio", "seconds_ratio"),
    ClaimFigures: ("seconds",),
    Summary: ("clock",),
}
ORIGINS: dict[type[Record], tuple[str, ...]] = {Summary: ("versions", "digests", "claims_digest")}


class Standing(Record):
    """What one side says of a cell; the word or the interval may be absent."""

    word: str | None
    found: Interval | None


class CellChange(Record):
    """A cell that is not the same; `old` or `new` is absent where that side has no such cell."""

    group: Group
    place: Place
    old: Standing | None
    new: Standing | None
    beyond: bool


class FigureChange(Record):
    """A figure without word and interval that is not the same, as JSON, or `absent`."""

    place: Place
    old: str
    new: str


class Changes(Record):
    """All that differs between two analyses.

    `compared` counts the cells and figures that either side has; `clocks` the clock
    readings that differ, which are none of them; `origins` are versions, processors and
    digests: where an analysis was made, and of which files.
    """

    cells: tuple[CellChange, ...]
    figures: tuple[FigureChange, ...]
    origins: tuple[FigureChange, ...]
    clocks: Tally
    compared: Tally

    @property
    def beyond(self) -> tuple[CellChange, ...]:
        """The cells that changed beyond their intervals, appeared or disappeared."""
        return tuple(cell for cell in self.cells if cell.beyond)

    @property
    def same_digits(self) -> bool:
        """Whether the two say the same to the last digit."""
        return not self.cells and not self.figures


class _Leaf(NamedTuple):
    kind: Kind
    says: Standing | str


def changes(old: Summary, new: Summary) -> Changes:
    """Compare two analyses, in the order of the old one, then of what only the new one has."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    places = list(dict.fromkeys((*before, *after)))
    cells: list[CellChange] = []
    figures: dict[Kind, list[FigureChange]] = {"digits": [], "origin": [], "clock": []}
    for place in places:
        was, now = before.get(place), after.get(place)
        # the shortest text of a number is its own: two that differ in any bit differ in it
        if repr(was) == repr(now):
            continue
        leaf = was or now
        assert leaf is not None
        if leaf.kind == "digits" and isinstance(leaf.says, Standing):
            cells.append(_cell(place, was, now))
        else:
            figures[leaf.kind].append(FigureChange(place=place, old=_text(was), new=_text(now)))
    kinds = [(before.get(place) or after[place]).kind for place in places]
    return Changes(
        cells=tuple(cells),
        figures=tuple(figures["digits"]),
        origins=tuple(figures["origin"]),
        clocks=len(figures["clock"]),
        compared=kinds.count("digits"),
    )


def overlap(old: Interval, new: Interval) -> bool:
    """Tell whether two intervals have a value in common; where there is none, a value is its own.

    Values without a spread that differ in their last bits alone are the same value.
    """
    (a, b), (c, d) = _limits(old), _limits(new)
    apart = max(a - d, c - b)
    return apart <= LAST_BITS * max(1.0, *(abs(end) for end in (a, b, c, d) if math.isfinite(end)))


def _limits(found: Interval) -> tuple[float, float]:
    if not isinstance(found, Estimate):
        low, high = found.low, found.high
        return (
            found.estimate if low is None else low,
            found.estimate if high is None else high,
        )
    if found.method != "none" or found.value is None:
        return found.limits
    return (
        -math.inf if found.known == "at most" else found.value,
        math.inf if found.known == "at least" else found.value,
    )


def _cell(place: Place, was: _Leaf | None, now: _Leaf | None) -> CellChange:
    old, new = (side.says if side else None for side in (was, now))
    assert not isinstance(old, str)
    assert not isinstance(new, str)
    return CellChange(
        group=_group(place), place=place, old=old, new=new, beyond=_is_beyond(old, new)
    )


def _is_beyond(old: Standing | None, new: Standing | None) -> bool:
    if old is None or new is None or old.word != new.word:
        return True
    if old.found is None or new.found is None:
        return old.found is not new.found
    return not overlap(old.found, new.found)


def _group(place: Place) -> Group:
    match place:
        case ("claims", _, "judgement") | ("claims", _, "judgement", "other"):
            return "verdicts"
        case ("claims", *_):
            return "effects"
        case ("studies", _, "comparison" | "crossed", *_):
            return "tuned"
        case ("maps", _, "bins", *_):
            return "maps"
    return "other"


def _leaves(
    content: object, place: Place = (), kind: Kind = "digits"
) -> Iterator[tuple[Place, _Leaf]]:
    """Yield every cell and every plain figure by its place; what is absent has none."""
    match content:
        case None:
            return
        case Effect() | Estimate() | Ratio():
            yield place, _Leaf(kind, Standing(word=None, found=content))
        case Record():
            yield from _of_record(content, place, kind)
        case dict():
            for name, value in content.items():
                yield from _leaves(value, (*place, str(name)), kind)
        case tuple() | list():
            labels = [_label(value, n) for n, value in enumerate(content)]
            for n, (value, label) in enumerate(zip(content, labels, strict=True)):
                again = labels[:n].count(label)
                own = f"{label} ({again + 1})" if again else label
                yield from _leaves(value, (*place, own), kind)
        case _:
            yield place, _Leaf(kind, canonical_json(content))


def _of_record(record: Record, place: Place, kind: Kind) -> Iterator[tuple[Place, _Leaf]]:
    skipped = set(_repeated(record))
    if type(record) in CELLS:
        word_field, interval = CELLS[type(record)]
        said = getattr(record, word_field)
        word = said.word if isinstance(said, Verdict) else str(said)
        found = getattr(record, interval) if interval else None
        yield place, _Leaf(kind, Standing(word=word, found=found))
        skipped |= {word_field, interval or word_field}
        if isinstance(said, Verdict):
            for name in ("reason", "direction_settled", "clusters_to_settle", "direction"):
                yield from _leaves(getattr(said, name), (*place, word_field, name), kind)
    for name in type(record).model_fields:
        if name in skipped:
            continue
        own = kind
        if name in CLOCKS.get(type(record), ()):
            own = "clock"
        elif name in ORIGINS.get(type(record), ()):
            own = "origin"
        yield from _leaves(getattr(record, name), (*place, name), own)


def _repeated(record: Record) -> tuple[str, ...]:
    """Name the fields that say again what others say: a change would be told twice."""
    match record:
        case Summary():
            return ("headline",)
        case Control():
            return ("verdict",)
        case Contrast():
            return ("error_ratio",)
        case PartJudgement(failures=None):
            return ("trained",)
    return ()


def _label(value: object, n: int) -> str:
    if isinstance(value, ClaimFigures):
        return f"{value.claim.id} {value.claim.name}"
    if isinstance(value, Bin):
        rates, sizes = (value.rate_low, value.rate_high), (value.batch_low, value.batch_high)
        return f"rate {rates[0]:.3g} to {rates[1]:.3g}, batch {sizes[0]:.3g} to {sizes[1]:.3g}"
    if isinstance(value, Record) and (names := NAMED_BY.get(type(value))):
        return "/".join(filter(None, (_word(getattr(value, name)) for name in names)))
    return str(n)


def _word(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{name}={each}" for name, each in value.items())
        case float():
            return f"{value:g}"
    return str(value)


def _text(leaf: _Leaf | None) -> str:
    if leaf is None:
        return ABSENT
    return leaf.says if isinstance(leaf.says, str) else canonical_json(leaf.says.plain())
