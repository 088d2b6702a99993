"""Where it helps: learning rates by batch sizes."""

from __future__ import annotations

from pipeline.findings.drawing import figure
from pipeline.findings.map.bins import Bin
from pipeline.findings.map.chart import error_multiple, map_chart, named_maps, sizes_chart
from pipeline.findings.map.figures import Figures
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Nothing, Section, Table, Text
from pipeline.statistics.intervals import Estimate, negated
from pipeline.wording import MISSING, capital, counted, listed, multiple, number, percentage


def section(summary: Summary) -> Section:
    """Return the map, its bins, and the gain over batch sizes."""
    blocks: list[Block] = []
    if summary.of(Figures).maps:
        share = percentage(summary.analysis.false_discoveries)
        level = percentage(summary.analysis.level)
        errors = capital(error_multiple(summary))
        heads = (
            "Learning rate",
            "Batch size",
            "Paired points",
            errors,
            "Share of failures less than the reference's, points",
            "Reading",
        )
        blocks += [
            Text(
                "Both arms trained at the same points, spread evenly over rate and batch size and "
                "fixed beforehand; nothing was tuned. Statistics are recalibrated, so that the map "
                "is about training."
            ),
            figure(
                summary,
                "map",
                map_chart,
                caption="Each mark is one pair of runs with the same seed. A bin helps or hurts "
                "where failures, or else errors, differ by more than chance; among the bins that "
                f"are told, {share} are expected to be false discoveries.",
                described=_described(summary),
                stage="sweep",
            ),
            *(
                Table(
                    f"{' '.join(name.split())}: bins of the map, with {level} intervals",
                    heads,
                    tuple(_row(each) for each in found.bins),
                    labels=2,
                    folded=True,
                )
                for name, found in named_maps(summary)
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
        ]
        blocks += _lost(summary)
    else:
        blocks.append(Nothing("Nothing to show: no experiment maps rates and batch sizes."))
    return Section("where", "Where", "Where it helps: rates by batch sizes", tuple(blocks))


def _row(found: Bin) -> tuple[str, ...]:
    return (
        f"{found.rate_low:.3g} to {found.rate_high:.3g}",
        f"{found.batch_low:.3g} to {found.batch_high:.3g}",
        str(found.blocks),
        _multiple(found.gain),
        _failures(found.fewer_failures),
        found.reading if found.blocks else f"{found.reading}: no points",
    )


def _multiple(gain: Estimate | None) -> str:
    return multiple(None if gain is None else negated(gain))


def _failures(found: Estimate | None) -> str:
    if found is None or found.value is None:
        return MISSING
    return number(100 * found.value)


def _lost(summary: Summary) -> list[Block]:
    lost = [
        f"{' '.join(name.split())}: {len(found.spots)} of {found.planned}"
        for name, found in named_maps(summary)
        if len(found.spots) < found.planned
    ]
    return [Text(f"Paired points that came back: {listed(lost)}.")] if lost else []


def _described(summary: Summary) -> str:
    found = []
    for name, each in named_maps(summary):
        words = [bin_.reading for bin_ in each.bins]
        counts = [f"{words.count(word)} {word}" for word in ("helps", "hurts", "can't tell")]
        found.append(f"{' '.join(name.split())}: of {counted(len(words), 'bin')} {listed(counts)}")
    return f"A map of learning rate by batch size. {'; '.join(found)}."


def _sizes(summary: Summary) -> str:
    found = [
        f"{point.batch_size}: {_multiple(point.gain)}"
        for each in summary.of(Figures).maps
        for point in each.over_batch_size
    ]
    return f"Error ratios by batch size: {'; '.join(found)}."
