"""The ingredients of the answer: which studies came out how, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from pipeline.content import Record
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.gap import Gap
from pipeline.statistics.failures import Failures

SETTLED_CLUSTERS = 20  # seeds that a headline claim needs; below it, a profile is a screening

Names = tuple[str, ...]


class Headline(Record):
    """Studies by what their comparison with the reference says, moving statistics first.

    `missing` have no comparison; `disagreeing` read differently with
    recalibrated statistics; `gap_costs` and `gap_gains` are studies whose moving
    statistics score under or over the batch's own, the interval clear of zero;
    `failing` had confirmed runs that failed. `fewest_clusters` counts the seeds
    of the thinnest comparison, absent without any.
    """

    higher: Names
    lower: Names
    undecided: Names
    missing: Names
    disagreeing: Names
    gap_measured: Names
    gap_costs: Names
    gap_gains: Names
    failing: Names
    fewest_clusters: Annotated[int, Field(ge=1)] | None
    is_screening: bool


def headline(
    comparisons: Mapping[str, Comparison | None],
    gaps: Mapping[str, Gap | None],
    failures: Mapping[str, Failures],
) -> Headline:
    """Sort studies by what came out; every study of `comparisons` is in one of four groups."""
    readings = {
        name: "missing" if found is None or found.moving is None else found.moving.reading
        for name, found in comparisons.items()
    }

    def read(reading: str) -> Names:
        return tuple(name for name, found in readings.items() if found == reading)

    clusters = [
        found.moving.points.clusters for found in comparisons.values() if found and found.moving
    ]
    differences = {
        name: found.batch_minus_moving
        for name, found in gaps.items()
        if found is not None and found.batch_minus_moving is not None
    }
    fewest = min(clusters, default=None)
    return Headline(
        higher=read("higher"),
        lower=read("lower"),
        undecided=read("undecided"),
        missing=read("missing"),
        disagreeing=tuple(name for name, found in comparisons.items() if found and found.disagrees),
        gap_measured=tuple(differences),
        gap_costs=tuple(name for name, found in differences.items() if found.reading == "higher"),
        gap_gains=tuple(name for name, found in differences.items() if found.reading == "lower"),
        failing=tuple(name for name, found in failures.items() if found.failed),
        fewest_clusters=fewest,
        is_screening=fewest is None or fewest < SETTLED_CLUSTERS,
    )
