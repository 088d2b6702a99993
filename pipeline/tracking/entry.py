"""One run as it should be in MLflow, and what makes two runs the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipeline.content import content_digest
from pipeline.records import Answer, Environment


@dataclass(frozen=True)
class Identity:
    """What makes two runs the same run. Fields that a kind does not have are empty."""

    kind: str
    study: str
    index: str
    key: str


class Point(NamedTuple):
    """One value of a metric. Steps are epochs, counted from 1; 0 where there are none."""

    metric: str
    value: float
    step: int


class Span(NamedTuple):
    """When a run began and ended, in POSIX seconds; `None` where no clock is known."""

    started: float | None
    ended: float | None


@dataclass(frozen=True)
class Entry:
    """One run as it should be.

    Attributes:
        dataset: Name of the dataset the run has read, and the split its figures were read on.
        environment: What a mirrored model needs to be loaded.
        files: Path among the run's artifacts to the file.
    """

    identity: Identity
    name: str
    parent: Identity | None
    params: dict[str, str]
    points: tuple[Point, ...]
    tags: dict[str, str]
    span: Span
    dataset: tuple[str, str] | None = None
    model: Path | None = None
    environment: Environment | None = None
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def refreshable(self) -> bool:
        """Whether new metrics may join the old ones: a mean moves on, and a trial does not.

        What a winner with a model says, its model says too, once and for all.
        """
        return self.identity.kind in ("study", "winner", "report") and self.model is None


def study_identity(name: str) -> Identity:
    """Return the identity of a study's run."""
    return Identity("study", name, "", "")


def winner_identity(answer: Answer) -> Identity:
    """Return the identity of the winner that an answer confirms: its question but for the seed."""
    question = answer.trial.plain() | {"seed": None}
    return Identity("winner", answer.study, "", content_digest(question))
