"""What a mirror is made of: everything known about one profile at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.content import code_digest_with, content_digest, file_digest
from pipeline.records import Answer, Manifest, Result
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

    def digests(self) -> dict[str, str]:
        """Return what decides the mirrors' content: of the answers, and of the pages.

        Libraries and this package's own code are part of both: another version may say it
        otherwise. Models and arrays are known by their files' sizes and times.
        """
        plan = content_digest([code_digest_with(("mlflow", "optuna")), self.plan.plain()])
        clocks = (
            [each.started, each.wall_seconds, each.commit, each.dirty, each.host]
            for _, each in sorted(self.clocks.items())
        )
        answers = [
            plan,
            [sorted(map(_told, answers)) for answers in (self.swept, self.confirmed)],
            [sorted(self.clocks), *clocks],
            {name: manifest.digest for name, manifest in self.manifests.items()},
            {name: _look(file) for name, file in {**self.examples, **self.models}.items()},
        ]
        pages = [plan, {name: file_digest(file) for name, file in self.pages.items()}]
        return {
            "answers": content_digest(answers),
            "pages": content_digest([*pages, dict(self.figures)]),
        }

    def dated(self, answers: Iterable[Answer]) -> list[Clock]:
        """Return the clocks of some answers, as far as they are known."""
        return [self.clocks[answer.key] for answer in answers if answer.key in self.clocks]

    def read_by(self, dataset: str, split: str) -> tuple[Manifest, str] | None:
        """Return what a run has read, where its arrays are there."""
        return (self.manifests[dataset], split) if dataset in self.manifests else None


def _told(answer: Answer) -> str:
    """Return all that an answer says; its key stands for its question."""
    said = (getattr(answer.result, name) for name in Result.model_fields)
    sorted_said = [sorted(each.items()) if isinstance(each, dict) else each for each in said]
    return repr([answer.study, answer.index, answer.key, *sorted_said])


def _look(file: Path) -> list[object]:
    found = file.stat()
    return [str(file), found.st_size, found.st_mtime_ns]
