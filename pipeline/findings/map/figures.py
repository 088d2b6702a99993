"""Maps of where: paired points over rate and batch size, as the Sobol designs laid them out.

Each arm of a map is compared with every arm before it, the reference first.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.map.batch_sizes import BatchPoint, curve_over_batch_size
from pipeline.findings.map.regions import read_map
from pipeline.findings.map.tiles import Axes, Further, Regions, Tile, shares
from pipeline.findings.places import Place, by_cell, place_of
from pipeline.statistics.pairs import (
    CONTROL,
    column,
    failed,
    failure_sample,
    log_error_column,
    pair,
    with_statistics,
)
from pipeline.statistics.runs import RATE
from pipeline.studies import Analysis, Dimension, Study

BATCH = "batch_size"
RATE_TILES, BATCH_TILES = 20, 6  # how finely a map is read; nothing is averaged within a tile
METRIC = "validation_error"


class Spot(Record):
    """One point: `gain` is by how much the log of the error is lower, absent where a run failed.

    `failed` says which of the two did: `arm`, `against`, `both` or nothing.
    """

    named_by: ClassVar = ("learning_rate", "batch_size", "seed")

    learning_rate: float
    batch_size: int
    seed: int
    gain: float | None
    failed: str | None


class Map(Record):
    """One arm against another: its points, tiles, what they tell of the area, and batch sizes.

    With recalibrated statistics. A gain of 0.1 is about 10% fewer errors. `further` is
    where more points would settle most, best first.
    """

    named_by: ClassVar = ("place", "arm", "against")

    place: Place
    arm: str
    against: str
    planned: Tally
    clusters: Tally
    spots: tuple[Spot, ...]
    regions: Regions
    tiles: tuple[Tile, ...]
    further: tuple[Further, ...]
    over_batch_size: tuple[BatchPoint, ...]


class Figures(Record):
    """The maps, in the order of the report."""

    maps: tuple[Map, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe the arms of each cell that is searched over rate and batch size without a winner."""
    analysis = evidence.plan.analysis
    table = with_statistics(evidence.runs, "recalibrated")
    found = []
    for cell in by_cell(filter(_is_mapped, evidence.fixed)):
        tables = [table[table["study"] == study.name] for study in cell]
        for n, study in enumerate(cell):
            for earlier in range(n):
                against = cell[earlier].arm
                found.append(_map(tables[n], tables[earlier], study, against, analysis))
    return Figures(maps=tuple(found))


def _is_mapped(study: Study) -> bool:
    searched = study.design.searches and not study.design.has_winner
    return searched and {RATE, BATCH} <= study.space.keys()


def _map(
    ours: pd.DataFrame, theirs: pd.DataFrame, study: Study, against: str, analysis: Analysis
) -> Map:
    pairs = pair(ours, theirs, block=("seed", "index", RATE, BATCH))
    apart = failure_sample(pairs, always=True)
    assert apart is not None
    lost = failed(pairs), failed(pairs, CONTROL)
    gains = np.full(len(pairs), math.nan)
    both = ~(lost[0] | lost[1])
    trained = pairs[both]
    gains[both] = log_error_column(trained, METRIC, CONTROL) - log_error_column(trained, METRIC)
    rates, sizes = column(pairs, RATE), column(pairs, BATCH)
    seeds = pairs["seed"].to_numpy()
    words = {(True, False): "arm", (False, True): "against", (True, True): "both"}
    tiles, further = read_map(
        rates,
        sizes,
        gains,
        np.array(apart.lows, np.float64),
        seeds=seeds,
        axes=Axes(_edges(study.space[RATE], RATE_TILES), _batch_edges(study.space[BATCH])),
        level=analysis.level,
        margin=math.log(analysis.margin),
    )
    return Map(
        place=place_of(study),
        arm=study.arm,
        against=against,
        planned=study.design.trials,
        clusters=len(set(seeds)),
        spots=tuple(
            Spot(
                learning_rate=float(rates[n]),
                batch_size=int(sizes[n]),
                seed=int(seeds[n]),
                gain=float(gains[n]) if math.isfinite(gains[n]) else None,
                failed=words.get((bool(lost[0][n]), bool(lost[1][n]))),
            )
            for n in range(len(pairs))
        ),
        regions=shares(tiles),
        tiles=tiles,
        further=further,
        over_batch_size=curve_over_batch_size(sizes, gains, seeds=seeds, level=analysis.level),
    )


def _batch_edges(dimension: Dimension) -> list[float]:
    """Cut batch sizes so that each power of two is a tile's middle; other scales evenly."""
    if dimension.scale != "powers_of_two":
        return _edges(dimension, BATCH_TILES)
    low, high = round(math.log2(dimension.low)), round(math.log2(dimension.high))
    return [float(f"{2 ** (n - 0.5):.8g}") for n in range(low, high + 2)]


def _edges(dimension: Dimension, tiles: int) -> list[float]:
    """Cut a dimension's range into tiles of one width in logs, the ends rounded outwards."""
    low, high = math.log(dimension.low), math.log(dimension.high)
    inner = [math.exp(low + (high - low) * n / tiles) for n in range(1, tiles)]
    edges = [dimension.low * (1 - 1e-6), *inner, dimension.high * (1 + 1e-6)]
    return [float(f"{edge:.8g}") for edge in edges]
