"""The ingredients of the answer: which studies came out how, by name."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.gap import Gap
from pipeline.statistics.failures import Outcomes
from pipeline.statistics.pairs import Statistics

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
    fewest_clusters: Count | None
    is_screening: bool


def headline(
    comparisons: Mapping[str, Mapping[Statistics, Comparison]],
    gaps: Mapping[str, Gap | None],
    confirmed: Mapping[str, Outcomes],
) -> Headline:
    """Sort studies by what came out; every study of `comparisons` is in one of four groups."""
    readings = {
        name: found["moving"].reading if "moving" in found else "missing"
        for name, found in comparisons.items()
    }
    disagreeing = tuple(
        name
        for name, found in comparisons.items()
        if len({each.reading for each in found.values()} - {"missing"}) > 1
    )
    clusters = [
        found["moving"].points.clusters
        for found in comparisons.values()
        if "moving" in found and found["moving"].points is not None
    ]

    def read(reading: str) -> Names:
        return tuple(name for name, found in readings.items() if found == reading)

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
        disagreeing=disagreeing,
        gap_measured=tuple(differences),
        gap_costs=tuple(name for name, found in differences.items() if found.reading == "higher"),
        gap_gains=tuple(name for name, found in differences.items() if found.reading == "lower"),
        failing=tuple(name for name, found in confirmed.items() if found.failed),
        fewest_clusters=fewest,
        is_screening=fewest is None or fewest < SETTLED_CLUSTERS,
    )
