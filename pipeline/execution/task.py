"""A question on its way: the trial, its place in its study, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.records import Result, Trial


@dataclass(frozen=True)
class Task:
    """One trial of one study, to be answered.

    Attributes:
        folder: The dataset's arrays.
        keep_model: Whether the trained model is stored too.
        start: The task from whose weights this one's trial starts; None where it starts from none.
    """

    study: str
    index: int
    trial: Trial
    folder: Path
    keep_model: bool
    start: Task | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.study} trial {self.index}"

    def resolved(self) -> Task:
        """Return the task with folders that hold wherever a worker was started."""
        start = self.start and self.start.resolved()
        return replace(self, folder=self.folder.resolve(), start=start)


@dataclass(frozen=True)
class Failed:
    """A task that was given up, and why."""

    task: Task
    reason: str


@dataclass(frozen=True)
class Lost:
    """A task whose worker died; it is to be given to another one."""

    task: Task
    reason: str


Outcome = Result | Failed | Lost
Folders = Callable[[str], Path]
