"""Where it helps: learning rates by batch sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from pipeline.findings.drawing import figure
from pipeline.findings.map.chart import error_multiple, map_chart, named_maps, sizes_chart
from pipeline.findings.map.figures import Figures, Map
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Listing, Nothing, Section, Table, Text
from pipeline.statistics.intervals import Estimate, negated
from pipeline.statistics.near_failures import NEAR
from pipeline.wording import MISSING, capital, counted, listed, multiple, percentage

WORDS = {
    "helps": "helps",
    "hurts": "hurts",
    "no_difference": "makes no practical difference",
    "cant_tell": "can't be told apart",
}


def section(summary: Summary) -> Section:
    """Return what the maps tell in words, the maps, their tiles, and the gain over batch sizes."""
    title = "Where it helps: rates by batch sizes"
    if not summary.of(Figures).maps:
        missing = Nothing("Nothing to show: no experiment maps rates and batch sizes.")
        return Section("where", title, (missing,))
    level = percentage(summary.analysis.level)
    errors = capital(error_multiple(summary))
    blocks: list[Block] = [
        Text(
            "The arms trained at the same points, spread evenly over rate and batch size and "
            "fixed beforehand, each with a seed of its own; nothing was tuned. Statistics are "
            "recalibrated, so that the map is about training. Areas are in logs: each doubling "
            "counts the same."
        ),
        Listing(tuple(told(name, each) for name, each in named_maps(summary))),
        figure(
            summary,
            "map",
            map_chart,
            caption="Each mark is one pair of runs with the same seed. The ground says where the "
            "arm helps or hurts: where one side fails more often among the "
            f"{NEAR} nearest points (exact tests), or else where errors differ (a surface "
            f"through all points, its {level} band over the whole map at once). No practical "
            "difference: the band lies within a factor of "
            f"{summary.analysis.margin:g}.",
            described=f"Maps of learning rate by batch size. {_described(summary)}",
            stage="sweep",
        ),
        *(
            Table(
                f"{' '.join(name.split())}: the map by batch size",
                ("Batch size", "Learning rate", f"{errors} ({level} over the map)", "Reading"),
                tuple(_rows(each)),
                labels=2,
                folded=True,
            )
            for name, each in named_maps(summary)
        ),
        figure(
            summary,
            "batch-sizes",
            sizes_chart,
            caption=f"{errors} at each batch size, over all rates at which both trained, with "
            f"{level} intervals; below the dashed line the arm is better.",
            described=f"Points with intervals over batch sizes. {_sizes(summary)}",
            stage="sweep",
        ),
        *_lost(summary),
    ]
    return Section("where", title, tuple(blocks))


def areas(summary: Summary) -> list[str]:
    """Say of each map how much of its area is told, and what."""
    return [_area_told(name, found) for name, found in named_maps(summary)]


def _area_told(name: str, found: Map) -> str:
    regions = found.regions
    said = [
        f"it {words} on {_area(getattr(regions, field))}"
        for field, words in WORDS.items()
        if field != "cant_tell" and getattr(regions, field) > 0
    ]
    start = f"{' '.join(name.split())}, {counted(found.clusters, 'seed')}: "
    start += f"tells {_area(regions.told)} of the area"
    return start + (f"; {listed(said)}." if said else ".")


def told(name: str, found: Map) -> str:
    """Say how much of a map's area is told, what, and where more points would settle most."""
    start = _area_told(name, found)
    if not found.further:
        return start
    places = [
        f"rate {each.learning_rate:.2g} with batch {each.batch_size:g}" for each in found.further
    ]
    gain = sum(each.gain for each in found.further)
    return (
        f"{start} {found.further[0].points} more points each at {listed(places)} would settle "
        f"most: another {_area(gain)} of the area, if they agree with these."
    )


def _rows(found: Map) -> Iterator[tuple[str, ...]]:
    """Runs of tiles with one word, batch by batch, with the least and the largest ratio."""
    for (low, high, _), tiles in groupby(
        found.tiles, key=lambda tile: (tile.batch_low, tile.batch_high, tile.reading)
    ):
        own = list(tiles)
        gains = [tile.gain for tile in own if tile.gain is not None]
        ends = f"{own[0].rate_low:.3g} to {own[-1].rate_high:.3g}"
        middle = f"{math.sqrt(low * high):.0f}"
        by = f", by {own[0].decided_by}" if own[0].decided_by else ""
        yield middle, ends, _ratios(gains), own[0].reading + by


def _ratios(gains: list[Estimate]) -> str:
    """The surface's ratios of a strip: from where its middle is, with that tile's band."""
    return _multiple(gains[len(gains) // 2]) if gains else MISSING


def _multiple(gain: Estimate) -> str:
    return multiple(negated(gain))


def _area(share: float) -> str:
    return f"{100 * share:.0f}%"


def _lost(summary: Summary) -> list[Block]:
    lost = [
        f"{' '.join(name.split())}: {len(found.spots)} of {found.planned}"
        for name, found in named_maps(summary)
        if len(found.spots) < found.planned
    ]
    return [Text(f"Paired points that came back: {listed(lost)}.")] if lost else []


def _described(summary: Summary) -> str:
    return " ".join(told(name, each) for name, each in named_maps(summary))


def _sizes(summary: Summary) -> str:
    found = [
        f"{point.batch_size}: {_multiple(point.gain)}"
        for each in summary.of(Figures).maps
        for point in each.over_batch_size
    ]
    return f"Error ratios by batch size: {'; '.join(found)}."
