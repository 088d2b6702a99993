"""Maps of where: paired points over rate and batch size, as the Sobol designs laid them out."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.arguments import Tally
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.map.bins import BatchPoint, Bin, curve_over_batch_size, map_of_where
from pipeline.findings.places import Place, place_of
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
METRIC = "validation_error"


class Spot(Record):
    """One point: `gain` is by how much the log of the error is lower, absent where a run failed.

    `failed` says which of the two did: `arm`, `reference`, `both` or nothing.
    """

    named_by: ClassVar = ("learning_rate", "batch_size", "seed")

    learning_rate: float
    batch_size: int
    seed: int
    gain: float | None
    failed: str | None


class Map(Record):
    """One arm against the reference: its points, the bins they fall into, and batch sizes.

    With recalibrated statistics. A gain of 0.1 is about 10% fewer errors.
    """

    named_by: ClassVar = ("place", "arm")

    place: Place
    arm: str
    reference: str
    planned: Tally
    spots: tuple[Spot, ...]
    bins: tuple[Bin, ...]
    over_batch_size: tuple[BatchPoint, ...]


class Figures(Record):
    """The maps, in the order of the report."""

    maps: tuple[Map, ...]


def figures(evidence: Evidence) -> Figures:
    """Describe every arm of a cell that is searched over rate and batch size without a winner."""
    analysis = evidence.plan.analysis
    table = with_statistics(evidence.runs, "recalibrated")
    found = []
    for study in evidence.fixed:
        mapped = study.design.searches and not study.design.has_winner
        if not mapped or not {RATE, BATCH} <= study.space.keys():
            continue
        if study.arm == analysis.reference:
            continue
        reference = f"{study.cell_name}/{analysis.reference}"
        ours, theirs = (table[table["study"] == name] for name in (study.name, reference))
        found.append(_map(ours, theirs, study, analysis))
    return Figures(maps=tuple(found))


def _map(ours: pd.DataFrame, theirs: pd.DataFrame, study: Study, analysis: Analysis) -> Map:
    pairs = pair(ours, theirs, block=("seed", "index", RATE, BATCH))
    apart = failure_sample(pairs, always=True)
    assert apart is not None
    lost = failed(pairs), failed(pairs, CONTROL)
    gains = np.full(len(pairs), math.nan)
    both = ~(lost[0] | lost[1])
    trained = pairs[both]
    gains[both] = log_error_column(trained, METRIC, CONTROL) - log_error_column(trained, METRIC)
    rates, sizes = column(pairs, RATE), column(pairs, BATCH)
    words = {(True, False): "arm", (False, True): "reference", (True, True): "both"}
    return Map(
        place=place_of(study),
        arm=study.arm,
        reference=analysis.reference,
        planned=study.design.trials,
        spots=tuple(
            Spot(
                learning_rate=float(rates[n]),
                batch_size=int(sizes[n]),
                seed=int(pairs["seed"].iloc[n]),
                gain=float(gains[n]) if math.isfinite(gains[n]) else None,
                failed=words.get((bool(lost[0][n]), bool(lost[1][n]))),
            )
            for n in range(len(pairs))
        ),
        bins=map_of_where(
            rates,
            sizes,
            gains,
            np.array(apart.lows, np.float64),
            seeds=pairs["seed"].to_numpy(),
            rate_edges=_edges(study.space[RATE], analysis.rate_bins),
            batch_edges=_edges(study.space[BATCH], analysis.batch_bins),
            level=analysis.level,
            false_discoveries=analysis.false_discoveries,
        ),
        over_batch_size=curve_over_batch_size(
            sizes, gains, seeds=pairs["seed"].to_numpy(), level=analysis.level
        ),
    )


def _edges(dimension: Dimension, bins: int) -> list[float]:
    """Cut a dimension's range into bins of one width in logs, the ends rounded outwards."""
    low, high = math.log(dimension.low), math.log(dimension.high)
    inner = [math.exp(low + (high - low) * n / bins) for n in range(1, bins)]
    edges = [dimension.low * (1 - 1e-6), *inner, dimension.high * (1 + 1e-6)]
    return [float(f"{edge:.8g}") for edge in edges]
