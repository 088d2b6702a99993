"""Short names of cells: dataset and model, and what else is needed to tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.wording import TIE


@dataclass(frozen=True)
class Place:
    """Where figures belong."""

    experiment: str
    dataset: str
    model: str
    optimizer: str
    batch_size: int | None = None


def short_names(places: Sequence[Place]) -> list[str]:
    """Name each place; equal places have equal names, different ones different names."""
    fields = ["dataset", "model"]
    for further in ("optimizer", "batch_size", "experiment"):
        told = len({_key(place, fields) for place in places})
        if told < len({_key(place, [*fields, further]) for place in places}):
            fields.append(further)
    ordered = [name for name in ("experiment", *fields) if name in fields]
    return [_named(place, list(dict.fromkeys(ordered))) for place in places]


def tuned_names(summary: Summary) -> dict[str, str]:
    """Name the cell of each tuned study, by the study's name."""
    studies = [figures.study for figures in summary.of(Tuned).studies]
    places = [
        Place(study.experiment, study.dataset, study.model_name, study.optimizer_name)
        for study in studies
    ]
    names = zip(summary.of(Tuned).studies, short_names(places), strict=True)
    return {figures.name: name for figures, name in names}


def _key(place: Place, fields: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(place, field) for field in fields)


def _named(place: Place, fields: Sequence[str]) -> str:
    parts = []
    for field in fields:
        value = getattr(place, field)
        if value is not None:
            parts.append(f"batch{TIE}{value}" if field == "batch_size" else str(value))
    return f"{TIE}· ".join(parts)
