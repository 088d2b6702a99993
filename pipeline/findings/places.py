"""Where figures belong, and short names: dataset and model, and what else tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol, TypeVar

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.studies import Study
from pipeline.wording import TIE


class Place(Record):
    """A cell of an experiment; its batch size where figures are of one of several."""

    named_by: ClassVar = ("experiment", "dataset", "model", "optimizer", "batch_size")

    experiment: str
    dataset: str
    model: str
    optimizer: str
    batch_size: Count | None

    @property
    def row(self) -> dict[str, object]:
        """Its fields of a chart's row, among which a reader chooses."""
        fields = self.model_dump(exclude={"experiment"})
        return {name: value for name, value in fields.items() if value is not None}


class Placed(Protocol):
    """Figures that belong to a place."""

    @property
    def place(self) -> Place:
        """Where they belong."""
        ...


P = TypeVar("P", bound=Placed)


def place_of(study: Study, *, batch_size: int | None = None) -> Place:
    """Return the place of a study's figures."""
    return Place(
        experiment=study.experiment,
        dataset=study.dataset,
        model=study.model_name,
        optimizer=study.optimizer_name,
        batch_size=batch_size,
    )


def by_cell(studies: Iterable[Study]) -> list[list[Study]]:
    """Return the studies of each cell together, cells and studies in the order they come in."""
    cells: dict[str, list[Study]] = {}
    for study in studies:
        cells.setdefault(study.cell_name, []).append(study)
    return list(cells.values())


def named(found: Sequence[P]) -> list[tuple[str, P]]:
    """Return each with the short name of its place."""
    return list(zip(short_names([each.place for each in found]), found, strict=True))


def short_names(places: Sequence[Place]) -> list[str]:
    """Name each place; equal places have equal names, different ones different names."""
    fields = ["dataset", "model"]
    for further in ("optimizer", "batch_size", "experiment"):
        told = len({_key(place, fields) for place in places})
        if told < len({_key(place, [*fields, further]) for place in places}):
            fields.append(further)
    ordered = [name for name in ("experiment", *fields) if name in fields]
    return [_named(place, list(dict.fromkeys(ordered))) for place in places]


def _key(place: Place, fields: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(place, field) for field in fields)


def _named(place: Place, fields: Sequence[str]) -> str:
    parts = []
    for field in fields:
        value = getattr(place, field)
        if value is not None:
            parts.append(f"batch{TIE}{value}" if field == "batch_size" else str(value))
    return f"{TIE}· ".join(parts)
