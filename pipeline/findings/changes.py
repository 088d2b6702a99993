"""Two analyses side by side: what the new one says differently, and how much that means.

A cell changed beyond its interval when its word is another, when the intervals do not
overlap, or when one side lacks it. What has neither is compared to the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from pipeline.arguments import Tally
from pipeline.content import Record, canonical_json
from pipeline.findings.cells import Kind, Leaf, Place, Standing, leaves
from pipeline.findings.summary import Summary
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.samples import LAST_BITS

Group = Literal["verdicts", "effects", "tuned", "maps", "other"]

ABSENT = "absent"


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


def _leaves(summary: Summary) -> Iterator[tuple[Place, Leaf]]:
    """Yield every figure; a finding's begin with its name."""
    for place, leaf in leaves(summary):
        yield place[place[0] == "findings" :], leaf


def overlap(old: Estimate, new: Estimate) -> bool:
    """Tell whether two intervals have a value in common; where there is none, a value is its own.

    Values without a spread that differ in their last bits alone are the same value.
    """
    (a, b), (c, d) = _limits(old), _limits(new)
    apart = max(a - d, c - b)
    known = [abs(end) for end in (a, b, c, d) if math.isfinite(end)]
    return apart <= LAST_BITS * max([1.0, *known])


def _limits(found: Estimate) -> tuple[float, float]:
    agrees = found.spread == 0 and found.low is None and found.high is None
    if found.value is None or not (found.method == "none" or agrees):
        return found.limits
    return (
        -math.inf if found.known == "at most" else found.value,
        math.inf if found.known == "at least" else found.value,
    )


def _cell(place: Place, was: Leaf | None, now: Leaf | None) -> CellChange:
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
        case ("verdicts", _, _, "judgement") | ("verdicts", _, _, "judgement", "other"):
            return "verdicts"
        case ("verdicts", *_):
            return "effects"
        case ("tuned", "comparisons", *_):
            return "tuned"
        case ("map", _, _, "tiles", *_):
            return "maps"
    return "other"


def _text(leaf: Leaf | None) -> str:
    if leaf is None:
        return ABSENT
    return leaf.says if isinstance(leaf.says, str) else canonical_json(leaf.says.plain())
