"""What a mirror is made of: everything known about one profile at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.records import Answer, Manifest
from pipeline.studies import Plan


class Clock(Protocol):
    """When and where a trial ran. `dirty` digests uncommitted changes, empty when clean."""

    @property
    def started(self) -> float:
        """POSIX seconds."""
        ...

    @property
    def wall_seconds(self) -> float:
        """Duration of the training."""
        ...

    @property
    def commit(self) -> str:
        """Git commit of the checkout, empty where there is none."""
        ...

    @property
    def dirty(self) -> str:
        """Digest of uncommitted changes."""
        ...

    @property
    def host(self) -> str:
        """Name of the machine."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """One profile as far as it has come; what does not exist yet is empty.

    Attributes:
        swept: Answers of the sweep.
        confirmed: Answers of the winners; `index` counts the fresh seeds.
        clocks: Trial key to clock; a trial without one is dated when it is mirrored.
        manifests: Dataset name to manifest.
        examples: Dataset name to a .npy file of its examples, as they lie on disk.
        models: Study name to the .keras file of its winner.
        pages: Path below the report to the file: composed configuration, analysis, pages, charts.
        figures: Dotted name to headline figure: an effect, a limit, a count, or a verdict's word.
    """

    plan: Plan
    swept: tuple[Answer, ...]
    confirmed: tuple[Answer, ...]
    clocks: Mapping[str, Clock]
    manifests: Mapping[str, Manifest]
    examples: Mapping[str, Path]
    models: Mapping[str, Path]
    pages: Mapping[str, Path]
    figures: Mapping[str, float | str]

    def dated(self, answers: Iterable[Answer]) -> list[Clock]:
        """Return the clocks of some answers, as far as they are known."""
        return [self.clocks[answer.key] for answer in answers if answer.key in self.clocks]

    def read_by(self, dataset: str, split: str) -> tuple[Manifest, str] | None:
        """Return what a run has read, where its arrays are there."""
        return (self.manifests[dataset], split) if dataset in self.manifests else None
