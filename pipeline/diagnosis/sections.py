"""A diagnosis as sections of a page."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.diagnosis.diagnosis import Diagnosis
from pipeline.diagnosis.finding import RANKS, Finding
from pipeline.diagnosis.measured import Measured, Scored
from pipeline.page.blocks import Block, Heading, Section, Table, Text

HEADS = ("Layer", "What", "Why it matters", "What to do")
NAMED = 3  # layers of one finding, beside the first
SHOWN = 20  # layers; the rest is folded


def sections(found: Diagnosis) -> list[Section]:
    """Return the page: what was found, then the figures."""
    blocks: list[Block] = [Text(found.summary)]
    for rank in RANKS:
        ranked = [each for each in found.findings if each.rank == rank]
        some = tuple(_row(each, more) for each, more in alike(ranked))
        if some:
            caption = f"Findings of rank {rank}: {len(ranked)}"
            folded = len(some) > SHOWN
            blocks.append(Table(caption, HEADS, some, 1, folded=folded, cards=True))
    if found.mended is not None:
        blocks.append(Text(mended_sentence(found)))
    made = [Section("findings", "What was found", tuple(blocks))]
    if found.measured is not None:
        made.append(Section("figures", "What examples told", _figures(found.measured)))
    return made


def mended_sentence(found: Diagnosis) -> str:
    """Return what became of the model that was written."""
    mended = found.mended
    assert mended is not None
    assert found.measured is not None
    return (
        f"{mended.file} has population statistics: {found.measured.word} "
        f"{mended.before.score:.4f} before, {mended.after.score:.4f} after."
    )


def alike(findings: Sequence[Finding]) -> list[tuple[Finding, tuple[str, ...]]]:
    """Return the first finding of each code and rank, and the other layers that have it."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        found.setdefault((each.rank, each.code), []).append(each)
    return [(first, tuple(each.layer for each in rest)) for first, *rest in found.values()]


def where(each: Finding, more: Sequence[str]) -> str:
    """Return the layers of a finding, the first ones by name."""
    named = ", ".join([each.layer, *more[:NAMED]])
    return f"{named} and {len(more) - NAMED} more" if len(more) > NAMED else named


def _row(each: Finding, more: Sequence[str]) -> tuple[str, ...]:
    return (where(each, more), f"{each.code}: {each.says}", each.why, each.line)


def score_rows(told: Measured) -> list[tuple[str, str, str]]:
    """Return a row for each way to normalize: its name, its score, its loss."""
    rows = [
        ("moving averages (as it is used)", *_cells(told.moving)),
        (f"batch statistics, batches of {told.batch_size}", *_cells(told.batch)),
        ("recalibrated (population)", *_cells(told.recalibrated)),
    ]
    for each in told.sizes:
        rows.append((f"batch statistics, batches of {each.batch_size}", *_cells(each.shuffled)))
        if each.sorted is not None:
            rows.append(
                (f"the same, batches sorted by target ({each.batch_size})", *_cells(each.sorted))
            )
    return list(dict.fromkeys(rows))


def drift_rows(told: Measured) -> list[tuple[str, ...]]:
    """Return a row for each norm: how far its averages are off, and what that costs."""
    return [
        (
            each.layer,
            f"{each.mean:.3g}",
            f"{each.typical:.3g}",
            f"{each.deviation:.3g}",
            _points(each.alone),
            _points(each.without),
        )
        for each in told.drifts
    ]


DRIFT_HEADS = (
    "Layer",
    "Means off (worst channel, deviations)",
    "(median channel)",
    "Deviations off (times)",
    "Points gained by mending it alone",
    "Points lost by leaving it out",
)


def _figures(told: Measured) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if told.moving is not None:
        heads = ("Normalized by", told.word.capitalize(), "Loss")
        caption = f"The same {told.examples} examples, normalized in other ways"
        blocks.append(Table(caption, heads, tuple(score_rows(told)), 1))
    blocks.append(Heading("Moving averages against the population"))
    rows = tuple(drift_rows(told))
    caption = "What is most to blame first"
    blocks.append(Table(caption, DRIFT_HEADS, rows, 1, folded=len(rows) > SHOWN))
    blocks.append(Text(mates_sentence(told)))
    return tuple(blocks)


def mates_sentence(told: Measured) -> str:
    """Return how much an answer depends on the others of its batch."""
    return (
        "With other examples in its batch, an example's outputs change by "
        f"{told.mates_in_training:.2g} deviations in training and by "
        f"{told.mates_at_inference:.2g} at inference."
    )


def _cells(scored: Scored | None) -> tuple[str, str]:
    if scored is None:
        return "missing", "missing"
    return f"{scored.score:.4f}", "not finite" if scored.loss is None else f"{scored.loss:.4g}"


def _points(value: float | None) -> str:
    return "not asked" if value is None else f"{100 * value:+.1f}"
