"""Where an arm helps, hurts, makes no practical difference, or can't be told, over a whole map.

The map is read tile by tile. Failures are decided first, by exact tests among the
points around a tile; then errors, by the surface's band, which holds for all tiles
at once. What fails more often than its partner around a tile never helps there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.findings.map.tiles import Axes, Further, Reading, Tile
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.near_failures import NEAR, nearest, one_sided, threshold
from pipeline.statistics.samples import Floats
from pipeline.statistics.surface import Surface, fitted

CLOSE = 4  # the very nearest points, which must not speak against a word about failures
SUGGESTED, FURTHER = 3, 8  # places that are named, and points at each


def read_map(
    rates: ArrayLike,
    batch_sizes: ArrayLike,
    gains: ArrayLike,
    failures: ArrayLike,
    *,
    seeds: ArrayLike,
    axes: Axes,
    level: float,
    margin: float,
) -> tuple[tuple[Tile, ...], tuple[Further, ...]]:
    """Read every tile, and say where more points would settle most.

    Args:
        rates: Learning rate of each point, shape (points,).
        batch_sizes: Batch size of each.
        gains: By how much the log of the error is lower; NaN where a run failed.
        failures: The arm's failure minus the other's: 1, 0 or -1.
        seeds: Of each point; points that share one are no evidence of their own.
        axes: The map's.
        level: Of the band, and of the failures' words, over the whole map.
        margin: Gains within this of zero are practically none.

    Raises:
        ValueError: Shapes differ, or a point lies outside the map.
    """
    values, lost = (np.asarray(each, np.float64) for each in (gains, failures))
    labels = np.asarray(seeds, np.int64)
    places = axes.places(rates, batch_sizes)
    if not len(places) == len(values) == len(lost) == len(labels):
        raise ValueError("a map has one rate, batch size, gain, failure and seed per point")
    at = axes.middles()
    surface = None
    both = np.isfinite(values)
    if len(set(labels)) == len(labels):  # runs that share a seed are no independent blocks
        surface = fitted(places[both], values[both], over=at, level=level)
    words = _by_failures(places, lost, at, labels, error=1 - level)
    allowed = _supported(places, lost, both, at)
    readings = _combined(words, surface, at, allowed, margin)
    return (
        tuple(_tiles(axes, places, lost, at, surface, allowed[0], words, readings, level)),
        _further(axes, surface, words, allowed, margin, readings),
    )


def _by_failures(
    places: Floats, lost: Floats, at: Floats, labels: NDArray[np.int64], *, error: float
) -> list[Reading | None]:
    """Words of places at which one side fails more often than the other; None elsewhere."""
    if not len(places) or len(np.unique(labels)) < len(labels):
        return [None] * len(at)
    near = nearest(places, at)
    limit = threshold(near, error=error)
    ours, theirs = _counts(near, lost)
    very_near = nearest(places, at, CLOSE)
    close = np.subtract(*_counts(very_near, lost))
    hurts, helps = one_sided(ours, theirs) <= limit, one_sided(theirs, ours) <= limit
    return [
        "hurts" if worse and side > 0 else "helps" if better and side < 0 else None
        for worse, better, side in zip(hurts, helps, close, strict=True)
    ]


def _counts(near: NDArray[np.bool_], lost: Floats) -> tuple[NDArray[np.int64], ...]:
    """At how many of the points around each place the arm alone failed, and the other alone."""
    return tuple((near @ (lost == side).astype(np.int64)) for side in (1, -1))


def _supported(
    places: Floats, lost: Floats, both: NDArray[np.bool_], at: Floats
) -> tuple[NDArray[np.bool_], ...]:
    """Where a word about errors may stand, where `helps`, where `hurts`, where no difference.

    Half of the nearest points trained in both; and failures don't speak against the word.
    """
    if not len(places):
        return (np.zeros(len(at), np.bool_),) * 4
    near = nearest(places, at, NEAR // 2)
    trained = 2 * (near @ both.astype(np.int64)) >= near.sum(axis=1)
    ours, theirs = _counts(near, lost)
    return trained, ours <= theirs, theirs <= ours, (ours == 0) & (theirs == 0)


def _combined(
    words: Sequence[Reading | None],
    surface: Surface | None,
    at: Floats,
    allowed: Sequence[NDArray[np.bool_]],
    margin: float,
) -> list[Reading]:
    """Failures first, then the band."""
    if surface is None:
        return [word or "can't tell" for word in words]
    _, lows, highs = surface.band(at)
    trained, may_help, may_hurt, may_equal = allowed
    equal = (lows > -margin) & (highs < margin) & may_equal
    helps, hurts = (lows > 0) & may_help, (highs < 0) & may_hurt
    found: list[Reading] = []
    for n, word in enumerate(words):
        by_error: Reading = "can't tell"
        if trained[n]:
            by_error = (
                "no difference"
                if equal[n]
                else "helps"
                if helps[n]
                else "hurts"
                if hurts[n]
                else "can't tell"
            )
        found.append(word or by_error)
    return found


def _tiles(
    axes: Axes,
    places: Floats,
    lost: Floats,
    at: Floats,
    surface: Surface | None,
    trained: NDArray[np.bool_],
    words: Sequence[Reading | None],
    readings: Sequence[Reading],
    level: float,
) -> Iterator[Tile]:
    near = nearest(places, at) if len(places) else np.zeros((len(at), 0), np.bool_)
    ours, theirs = _counts(near, lost)
    band = None if surface is None else surface.band(at)
    for n, (rate_low, rate_high, batch_low, batch_high) in enumerate(axes.tiles()):
        gain = None
        if surface is not None and band is not None and trained[n]:
            gain = Estimate(
                value=float(band[0][n]),
                known="exactly",
                low=float(band[1][n]),
                high=float(band[2][n]),
                level=level,
                spread=None,
                clusters=surface.blocks,
                blocks=surface.blocks,
                method="t",
            )
        told = readings[n] != "can't tell"
        yield Tile(
            rate_low=rate_low,
            rate_high=rate_high,
            batch_low=batch_low,
            batch_high=batch_high,
            clusters=int(near[n].sum()),
            arm_failed=int(ours[n]),
            against_failed=int(theirs[n]),
            gain=gain,
            decided_by=("failures" if words[n] else "errors") if told else None,
            reading=readings[n],
        )


def _further(
    axes: Axes,
    surface: Surface | None,
    words: Sequence[Reading | None],
    allowed: Sequence[NDArray[np.bool_]],
    margin: float,
    readings: Sequence[Reading],
) -> tuple[Further, ...]:
    """The places of most expected gain, best first, each beside those before it.

    Expected: that the further points agree with the surface. Then the band alone
    narrows, and its area told can be computed.
    """
    if surface is None:
        return ()
    at, areas, edges = axes.middles(), axes.areas(), list(axes.tiles())

    def told(of: Surface) -> float:
        words_then = _combined(words, of, at, allowed, margin)
        return float(areas[[word != "can't tell" for word in words_then]].sum())

    found: list[Further] = []
    before = told(surface)
    open_tiles = [n for n, word in enumerate(readings) if word == "can't tell"]
    for _ in range(SUGGESTED):
        gains = {n: told(surface.with_further(at[n], FURTHER)) - before for n in open_tiles}
        best = max(gains, key=lambda n: (gains[n], -n), default=None)
        if best is None or gains[best] <= 0:
            break
        rate_low, rate_high, batch_low, batch_high = edges[best]
        found.append(
            Further(
                learning_rate=float(f"{math.sqrt(rate_low * rate_high):.2g}"),
                batch_size=float(round(math.sqrt(batch_low * batch_high))),
                points=FURTHER,
                gain=gains[best],
            )
        )
        surface = surface.with_further(at[best], FURTHER)
        before = told(surface)
    return tuple(found)
