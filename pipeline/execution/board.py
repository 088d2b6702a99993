"""How far a run of studies has come: counted as it happens, readable from another terminal."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from pipeline.content import Record
from pipeline.execution.queues import Queue
from pipeline.execution.task import Failed, Lost, Task
from pipeline.records import Answer
from pipeline.search.objective import objective

Number = Annotated[int, Field(ge=0)]


class StudyProgress(Record):
    """One study: how many trials of all are where, its best score, seconds that a trial takes.

    `score` is its task's word.
    """

    study: str
    score: str
    total: Number
    done: Number
    running: Number
    failed: Number
    best: float | None
    trial_seconds: float | None

    @property
    def left(self) -> int:
        """Trials that are neither done nor given up."""
        return self.total - self.done - self.failed


class Progress(Record):
    """A whole run at one moment; times in POSIX seconds."""

    command: str
    profile: str
    process: int
    host: str
    started: float
    updated: float
    trained: Number
    workers: Number
    studies: tuple[StudyProgress, ...]

    @property
    def trials_a_minute(self) -> float | None:
        """How many trials were trained a minute, since the run began."""
        elapsed = self.updated - self.started
        return 60 * self.trained / elapsed if self.trained and elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """What is left, at what trials of each study cost; nothing while no cost is known."""
        known = [each.trial_seconds for each in self.studies if each.trial_seconds is not None]
        if not known or not self.workers:
            return None
        usual = sum(known) / len(known)
        work = sum(each.left * (each.trial_seconds or usual) for each in self.studies)
        return work / self.workers


class Board:
    """Counts what the loop tells."""

    def __init__(self, command: str, profile: str, queues: Sequence[Queue]) -> None:
        self._command = command
        self._profile = profile
        self._totals = {queue.study.name: queue.total for queue in queues}
        self._words = {queue.study.name: queue.study.task.score for queue in queues}
        self._started = time.time()
        self._begun: dict[tuple[str, int], float] = {}
        self._done: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._best: dict[str, float] = {}
        self._seconds: dict[str, list[float]] = {}
        self._workers: set[str] = set()
        self.trained = 0

    def started(self, task: Task, worker: str) -> None:
        """A worker has been given a task."""
        self._begun[task.study, task.index] = time.time()
        self._workers.add(worker)

    def answered(self, answer: Answer, *, fresh: bool) -> None:
        """A task has its answer: trained now, or found in the store."""
        begun = self._begun.pop((answer.study, answer.index), None)
        self._done[answer.study] += 1
        self.trained += fresh
        score = objective(answer.result)
        self._best[answer.study] = max(score, self._best.get(answer.study, score))
        if fresh and begun is not None:
            self._seconds.setdefault(answer.study, []).append(time.time() - begun)

    def lost(self, loss: Lost) -> None:
        """A task's worker died."""
        self._begun.pop((loss.task.study, loss.task.index), None)

    def failed(self, failure: Failed) -> None:
        """A task was given up."""
        self._begun.pop((failure.task.study, failure.task.index), None)
        self._failed[failure.task.study] += 1

    def progress(self) -> Progress:
        """Return the counts as they are now."""
        running = Counter(study for study, _ in self._begun)
        return Progress(
            command=self._command,
            profile=self._profile,
            process=os.getpid(),
            host=platform.node(),
            started=self._started,
            updated=time.time(),
            trained=self.trained,
            workers=len(self._workers),
            studies=tuple(
                StudyProgress(
                    study=study,
                    score=self._words[study],
                    total=total,
                    done=self._done[study],
                    running=running[study],
                    failed=self._failed[study],
                    best=self._best.get(study),
                    trial_seconds=_mean(self._seconds.get(study, [])),
                )
                for study, total in self._totals.items()
            ),
        )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
