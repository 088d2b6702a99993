"""How many steps moving averages take to settle, and what to do in a shorter run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.findings.gap.figures import Figures as Gaps
from pipeline.findings.gap.figures import Line, Trajectory
from pipeline.findings.summary import Summary
from pipeline.statistics.intervals import Estimate, scaled
from pipeline.wording import points

POINT = 0.01  # of the score: averages to which recalibration adds less, for sure, have settled


class Slow(NamedTuple):
    """One model's averages: `line` at Keras's momentum, and places along its steps.

    `late` is the last at which recalibration helps for sure before they have settled, and `since`
    the first from which on they have, or None.
    """

    found: Trajectory
    line: Line
    late: int
    since: int | None

    @property
    def at(self) -> int:
        """The number of steps at `late`."""
        return self.found.steps[self.late]

    @property
    def enough(self) -> int | None:
        """Steps after which they have settled."""
        return None if self.since is None else self.found.steps[self.since]


def settled(summary: Summary) -> str:
    """Say what to do in how short a run, and what it is worth; nothing where nothing is lost."""
    known = [each for each in map(_settling, summary.of(Gaps).trajectories) if each is not None]
    if not known:
        return ""
    slowest = max(known, key=lambda each: (each.since is None, each.enough or each.at))
    lower = _best_lower(slowest)
    run = f"a run of under {slowest.enough:,} steps" if slowest.enough else "a run as here"
    instead = "" if lower is None else f", or set {_momentum(lower)} instead"
    worth = "; ".join(_worth(_name(each, known), each, lower) for each in known)
    return (
        f"Where you use batch norm in {run} at {_momentum(slowest.line.momentum)}, recalibrate its "
        "averages: compute means and variances again over training examples once it is trained"
        f"{instead}. That adds, in points of {summary.task(Gaps).score}, {worth}."
    )


def _name(slow: Slow, known: Sequence[Slow]) -> str:
    """Return the model's name, and its dataset's where another trajectory has the same model."""
    place = slow.found.place
    alike = [each for each in known if each.found.place.model == place.model]
    return place.model if len(alike) == 1 else f"{place.model} on {place.dataset}"


def _momentum(value: float | None) -> str:
    """Say a momentum as Keras does and, where readers may have it, as PyTorch."""
    value = value or 0.0
    return f"momentum {value:g} (PyTorch's {1 - value:g})"


def _settling(found: Trajectory) -> Slow | None:
    line = found.moving
    if line is None:
        return None
    unsettled = [n for n, gain in enumerate(line.gains) if not _is_under_a_point(gain)]
    since = max(unsettled, default=-1) + 1
    late = [n for n in unsettled if _is_gain(line.gains[n])]
    if not late:
        return None
    return Slow(found, line, late[-1], since if since < len(line.gains) else None)


def _is_under_a_point(gain: Estimate | None) -> bool:
    if gain is None or gain.value is None:
        return False
    same = gain.spread == 0  # all seeds agree, and there is no interval
    return gain.value < POINT if same else gain.high is not None and gain.high < POINT


def _is_gain(gain: Estimate | None) -> bool:
    return gain is not None and gain.low is not None and gain.low > 0


def _best_lower(slow: Slow) -> float | None:
    """Return the lower momentum to which recalibration adds least there, and less than to this."""
    gain = slow.line.gains[slow.late]
    known = [
        (lower.value, line.momentum)
        for line in slow.found.lines
        if line.momentum is not None and line.momentum < (slow.line.momentum or 0)
        if (lower := line.gains[slow.late]) is not None and lower.value is not None
        if gain is not None and gain.value is not None and lower.value < gain.value
    ]
    return min(known, default=(0.0, None))[1]


def _worth(name: str, slow: Slow, lower: float | None) -> str:
    """Say what recalibration adds late, beside a lower momentum, and from when on it does not."""
    quick = [line for line in slow.found.lines if lower is not None and line.momentum == lower]
    beside = "".join(f" ({_at(line, slow.late)} at {lower:g})" for line in quick)
    late = f"{_at(slow.line, slow.late)} after {slow.at:,} steps"
    if slow.enough is not None:
        end = f"under one from {slow.enough:,} on"
    else:
        end = f"and not surely under one by {slow.found.steps[-1]:,}"
    return f"{name}: {late}{beside}, {end}"


def _at(line: Line, place: int) -> str:
    gain = line.gains[place]
    return points(None if gain is None else scaled(gain, 100))
