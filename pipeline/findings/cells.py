"""Every figure of an analysis by its place: cells, plain figures, clock readings, origins.

A cell is a figure with a word of judgement, an interval, or both. The rest of the record
is plain figures. Clock readings are told apart, and so is what says where an analysis was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pipeline.claims.claim import Part
from pipeline.claims.controls import Control
from pipeline.claims.judging import FailureJudgement, Judgement, PartJudgement
from pipeline.claims.verdict import Verdict
from pipeline.content import Record, canonical_json
from pipeline.findings.gap.figures import Line, Trajectory
from pipeline.findings.map.bins import BatchPoint, Bin
from pipeline.findings.map.figures import Map, Spot
from pipeline.findings.settings.figures import Factors, Setting
from pipeline.findings.stability.figures import ArmStability, RateFigures, Stability
from pipeline.findings.summary import Data, StudyFailures, StudyFigures, Summary
from pipeline.findings.time_to_target.figures import ArmTime, TimeToTarget
from pipeline.findings.tuned.comparisons import Contrast
from pipeline.findings.tuned.searches import TrialPoint
from pipeline.findings.verdicts.figures import ClaimFigures, PartNoise
from pipeline.statistics.effects import Effect, Ratio
from pipeline.statistics.intervals import Estimate

Kind = Literal["digits", "clock", "origin"]
Place = tuple[str, ...]
Interval = Effect | Estimate | Ratio

CELL = ("dataset", "model", "optimizer")

# What a list's record is known by; any other is known by its place in the list.
NAMED_BY: dict[type[Record], tuple[str, ...]] = {
    ArmStability: ("arm",),
    ArmTime: ("arm",),
    BatchPoint: ("batch_size",),
    Data: ("name",),
    Factors: ("experiment", *CELL),
    Line: ("kind", "momentum"),
    Map: ("experiment", *CELL, "arm"),
    Part: ("name",),
    PartJudgement: ("name",),
    PartNoise: ("part",),
    RateFigures: ("learning_rate",),
    Setting: ("arm", "values"),
    Spot: ("learning_rate", "batch_size", "seed"),
    Stability: ("experiment", *CELL, "batch_size"),
    StudyFailures: ("study", "phase"),
    StudyFigures: ("name",),
    TimeToTarget: ("experiment", *CELL, "curve", "target"),
    Trajectory: ("study",),
    TrialPoint: ("index",),
}

# The word and the interval of what is one cell, by their fields; a verdict's word is `word`.
CELLS: dict[type[Record], tuple[str, str | None]] = {
    Bin: ("reading", "gain"),
    Contrast: ("reading", "points"),
    FailureJudgement: ("verdict", "estimate"),
    Judgement: ("verdict", None),
    PartJudgement: ("verdict", "estimate"),
    Verdict: ("word", None),
}

# Readings, and the kernel whose step was timed.
CLOCKS: dict[type[Record], tuple[str, ...]] = {
    ArmTime: ("median_seconds", "step_milliseconds", "norm_kernel", "cost_ratio", "seconds_ratio"),
    ClaimFigures: ("seconds",),
    Summary: ("clock",),
}
ORIGINS: dict[type[Record], tuple[str, ...]] = {Summary: ("versions", "digests", "claims_digest")}


class Standing(Record):
    """What one side says of a cell; the word or the interval may be absent."""

    word: str | None
    found: Interval | None


class Leaf(NamedTuple):
    """A figure as one side has it; `says` is JSON where it is no cell."""

    kind: Kind
    says: Standing | str


def leaves(
    content: object, place: Place = (), kind: Kind = "digits"
) -> Iterator[tuple[Place, Leaf]]:
    """Yield every cell and every plain figure by its place; what is absent has none."""
    match content:
        case None:
            return
        case Effect() | Estimate() | Ratio():
            yield place, Leaf(kind, Standing(word=None, found=content))
        case Record():
            yield from _of_record(content, place, kind)
        case dict():
            for name, value in content.items():
                yield from leaves(value, (*place, str(name)), kind)
        case tuple() | list():
            labels = [_label(value, n) for n, value in enumerate(content)]
            for n, (value, label) in enumerate(zip(content, labels, strict=True)):
                again = labels[:n].count(label)
                own = f"{label} ({again + 1})" if again else label
                yield from leaves(value, (*place, own), kind)
        case _:
            yield place, Leaf(kind, canonical_json(content))


def _of_record(record: Record, place: Place, kind: Kind) -> Iterator[tuple[Place, Leaf]]:
    skipped = set(_repeated(record))
    if type(record) in CELLS:
        word_field, interval = CELLS[type(record)]
        said = getattr(record, word_field)
        word = said.word if isinstance(said, Verdict) else str(said)
        found = getattr(record, interval) if interval else None
        yield place, Leaf(kind, Standing(word=word, found=found))
        skipped |= {word_field, interval or word_field}
        if isinstance(said, Verdict):
            for name in filter("word".__ne__, Verdict.model_fields):
                yield from leaves(getattr(said, name), (*place, word_field, name), kind)
    for name in type(record).model_fields:
        if name in skipped:
            continue
        own = kind
        if name in CLOCKS.get(type(record), ()):
            own = "clock"
        elif name in ORIGINS.get(type(record), ()):
            own = "origin"
        yield from leaves(getattr(record, name), (*place, name), own)


def _repeated(record: Record) -> tuple[str, ...]:
    """Name the fields that say again what others say: a change would be told twice."""
    match record:
        case Summary():
            return ("headline",)
        case Control():
            return ("verdict",)
        case Contrast():
            return ("error_ratio",)
        case PartJudgement(failures=None):
            return ("trained",)
    return ()


def _label(value: object, n: int) -> str:
    if isinstance(value, ClaimFigures):
        return f"{value.claim.id} {value.claim.name}"
    if isinstance(value, Bin):
        rates, sizes = (value.rate_low, value.rate_high), (value.batch_low, value.batch_high)
        return f"rate {rates[0]:.3g} to {rates[1]:.3g}, batch {sizes[0]:.3g} to {sizes[1]:.3g}"
    if isinstance(value, Record) and (names := NAMED_BY.get(type(value))):
        return "/".join(filter(None, (_word(getattr(value, name)) for name in names)))
    return str(n)


def _word(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{name}={each}" for name, each in sorted(value.items()))
        case float():
            return f"{value:g}"
    return str(value)
