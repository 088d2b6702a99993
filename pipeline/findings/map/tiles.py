"""The parts of a map: where they lie, what is told of each, and shares of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.samples import Floats

Reading = Literal["helps", "hurts", "no difference", "can't tell"]
READINGS: tuple[Reading, ...] = ("helps", "hurts", "no difference", "can't tell")

Share = Annotated[float, Field(ge=0, le=1)]


class Tile(Record):
    """One part of the map: rates in [low, high), and batch sizes likewise.

    `gain` is the surface's, by how much the log of the error is lower, with a band over
    the whole map at once; absent where too few points trained. Of the `clusters`
    points around it, `arm_failed` and `against_failed` count those at which that side
    alone failed. `decided_by` says which of the two gave the word.
    """

    named_by: ClassVar = ("rate_low", "batch_low")
    judged_by: ClassVar = ("reading", "gain")

    rate_low: float
    rate_high: float
    batch_low: float
    batch_high: float
    clusters: Tally
    arm_failed: Tally
    against_failed: Tally
    gain: Estimate | None
    decided_by: Literal["failures", "errors"] | None
    reading: Reading


class Regions(Record):
    """Shares of the map's area, in logs of rate and batch size; they sum to 1."""

    helps: Share
    hurts: Share
    no_difference: Share
    cant_tell: Share

    @property
    def told(self) -> float:
        """The share of the area about which something is told."""
        return 1 - self.cant_tell


class Further(Record):
    """Where more points would settle most: `gain` is the share of the area they would tell."""

    named_by: ClassVar = ("learning_rate", "batch_size")

    learning_rate: float
    batch_size: float
    points: Tally
    gain: Share


class Axes:
    """The two axes of a map, in logs, and the tiles between their edges."""

    def __init__(self, rate_edges: Sequence[float], batch_edges: Sequence[float]) -> None:
        """Lay out tiles; edges increase.

        Raises:
            ValueError: Edges do not increase.
        """
        self.rates, self.sizes = (
            np.asarray(each, np.float64) for each in (rate_edges, batch_edges)
        )
        for edges in (self.rates, self.sizes):
            if len(edges) < 2 or not bool(np.all(np.diff(edges) > 0)):
                raise ValueError("edges increase, and there are two at least")

    def places(self, rates: ArrayLike, sizes: ArrayLike) -> Floats:
        """Places in the unit square, shape (points, 2).

        Raises:
            ValueError: A point lies outside the map.
        """
        found = []
        for values, edges in ((rates, self.rates), (sizes, self.sizes)):
            given = np.asarray(values, np.float64)
            if len(given) and not (edges[0] <= given.min() and given.max() <= edges[-1]):
                raise ValueError(f"a point lies outside the map, {edges[0]:g} to {edges[-1]:g}")
            found.append(np.log(given / edges[0]) / math.log(edges[-1] / edges[0]))
        return np.stack(found, axis=1)

    def tiles(self) -> Iterator[tuple[float, float, float, float]]:
        """Edges of each tile, batch by batch and rate by rate."""
        for i, j in np.ndindex(len(self.sizes) - 1, len(self.rates) - 1):
            rate_low, rate_high = self.rates[j : j + 2]
            batch_low, batch_high = self.sizes[i : i + 2]
            yield float(rate_low), float(rate_high), float(batch_low), float(batch_high)

    def middles(self) -> Floats:
        """Middle of each tile in the unit square, shape (tiles, 2)."""
        edges = np.array(list(self.tiles()), np.float64)
        rates, sizes = np.sqrt(edges[:, 0] * edges[:, 1]), np.sqrt(edges[:, 2] * edges[:, 3])
        return self.places(rates, sizes)

    def areas(self) -> Floats:
        """Share of the area that each tile has, shape (tiles,)."""
        logs = np.log(np.array(list(self.tiles()), np.float64))
        areas: Floats = (logs[:, 1] - logs[:, 0]) * (logs[:, 3] - logs[:, 2])
        shares_of: Floats = areas / areas.sum()
        return shares_of


def shares(tiles: Sequence[Tile]) -> Regions:
    """Area shares of the readings."""
    logs = [
        math.log(each.rate_high / each.rate_low) * math.log(each.batch_high / each.batch_low)
        for each in tiles
    ]
    of = {
        word: sum(area for area, tile in zip(logs, tiles, strict=True) if tile.reading == word)
        / sum(logs)
        for word in READINGS
    }
    names = {word: word.replace(" ", "_").replace("'", "") for word in READINGS}
    return Regions.parse({names[word]: min(1.0, share) for word, share in of.items()})
