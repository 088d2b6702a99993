"""Every figure of an analysis by its place: cells, plain figures, clock readings, origins.

A cell is a figure with a word of judgement, an interval, or both. The rest of the record
is plain figures. Clock readings are told apart, and so is what says where an analysis was made.
Each record says itself which of its fields are what (`content.Record`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pipeline.claims.verdict import Verdict
from pipeline.content import Record, canonical_json
from pipeline.statistics.intervals import Estimate

Kind = Literal["digits", "clock", "origin"]
Place = tuple[str, ...]


class Standing(Record):
    """What one side says of a cell; the word or the interval may be absent."""

    word: str | None
    found: Estimate | None


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
        case Estimate():
            yield place, Leaf(kind, Standing(word=None, found=content))
        case Record():
            yield from _of_record(content, place, kind)
        case dict():
            for name, value in content.items():
                yield from leaves(value, (*place, str(name)), kind)
        case tuple() | list():
            labels = [
                (value.label if isinstance(value, Record) else "") or str(n)
                for n, value in enumerate(content)
            ]
            for n, (value, label) in enumerate(zip(content, labels, strict=True)):
                again = labels[:n].count(label)
                own = f"{label} ({again + 1})" if again else label
                yield from leaves(value, (*place, own), kind)
        case _:
            yield place, Leaf(kind, canonical_json(content))


def _of_record(record: Record, place: Place, kind: Kind) -> Iterator[tuple[Place, Leaf]]:
    skipped = set(record.repeats())
    if record.judged_by is not None:
        word_field, interval = record.judged_by
        said = getattr(record, word_field)
        word = said.word if isinstance(said, Verdict) else str(said)
        found = getattr(record, interval) if interval else None
        yield place, Leaf(kind, Standing(word=word, found=found))
        skipped |= {word_field, interval or word_field}
        if isinstance(said, Verdict):
            for name in filter("word".__ne__, Verdict.model_fields):
                yield from leaves(getattr(said, name), (*place, word_field, name), kind)
    kinds: dict[str, Kind] = dict.fromkeys(record.clock_fields, "clock")
    kinds |= dict.fromkeys(record.origin_fields, "origin")
    for name in type(record).model_fields:
        if name not in skipped:
            yield from leaves(getattr(record, name), (*place, name), kinds.get(name, kind))
