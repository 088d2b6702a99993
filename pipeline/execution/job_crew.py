"""The jobs that work for a sweep: as many as were asked for, and others for those that end."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distributed import Client
from distributed.core import Status

from pipeline.errors import Refusal, reason_of
from pipeline.execution.crew import KEPT, Patience
from pipeline.execution.farewell import take_word
from pipeline.execution.job_queue import listed, of_jobs, summed_up
from pipeline.execution.lifetimes import Lifetimes
from pipeline.execution.scratch import Scratch

LOOK_SECONDS = 10.0  # between two looks at the queue while workers are missing
LOGS = "logs"  # beside the run's folder
STILLBORN = 3  # jobs in a row that ended before their worker came, until nobody is waited for
log = logging.getLogger("normbench")


def remembering(job: type[Any]) -> type[Any]:
    """Return a queue's class of jobs whose jobs know how they stand, and why they were refused."""

    class Remembering(job):  # type: ignore[misc]
        refused = ""

        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, ValueError, OSError) as error:
                self.refused, self.status = words_of(error), Status.failed
                raise

        async def close(self) -> None:
            await super().close()
            self.status = Status.closed

    return Remembering


def words_of(error: Exception) -> str:
    """Return what a submitting command said last, of dask-jobqueue's report of how it ended."""
    said = str(error).partition("stderr:\n")[2].strip().splitlines()
    return said[-1].strip() if said else reason_of(error)


class Jobs:
    """The jobs of one sweep, each with its worker, or waiting in the queue."""

    ahead = 0  # a worker must know its age before it begins

    def __init__(
        self,
        cluster: Any,
        client: Client,
        run: Scratch,
        *,
        count: int,
        lives: Lifetimes,
        state: str,
        patience_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a cluster that has no jobs yet; the first look submits them.

        Args:
            cluster: Of dask-jobqueue.
            client: Its client.
            run: The run's folder, where workers leave their words.
            count: How many jobs.
            lives: When a worker is too old for another trial.
            state: The command that lists jobs.
            patience_seconds: Without any worker for so long, a line says how the queue stands.
            clock: Seconds.
        """
        self._cluster = cluster
        self._client = client
        self._run = run
        self._count = count
        self._lives = lives
        self._state = state
        self._patience = Patience(
            "no job's worker has come",
            tell_seconds=patience_seconds,
            state=self._standing,
            clock=clock,
        )
        self._clock = clock
        self._looked = -math.inf
        self._stillborn = 0
        self._came = set[str]()  # names of workers that are or were here
        self._retired = set[str]()
        self._told = ""

    def look(self, alive: Sequence[str]) -> None:
        """Replace jobs that are gone, and submit the first ones.

        Raises:
            Refusal: The queue takes no jobs, or they end before their workers come.
        """
        self._lives.look(alive)
        self._retired &= set(alive)  # another one may get the address of one that is gone
        if alive:
            self._stillborn = 0
        self._patience.look(len(alive))
        self._cluster.sync(self._forget_lost)
        if len(alive) < self._count and self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._ask_the_queue(alone=not alive)
        self._cluster.scale(jobs=self._count)

    def may_begin(self, worker: str) -> bool:
        """Tell whether a worker is young enough; one that is not is told to end."""
        if worker not in self._retired and self._lives.is_over(worker):
            self._retired.add(worker)
            self._cluster.loop.add_callback(self._cluster.scheduler.close_worker, worker)
        return worker not in self._retired

    def was_called_away(self, worker: str) -> bool:
        """Tell whether a worker left a word that its queue ended it."""
        return take_word(self._run.folder, worker)

    def end(self) -> None:
        """Cancel the jobs, and take away what was made for them."""
        try:
            self._client.close(timeout=1)
            self._cluster.close(timeout=30)
        finally:
            self._run.end()

    async def _forget_lost(self) -> None:
        """End the jobs whose workers came and are gone, so that others are submitted."""
        here = self._here()
        for name in self._came - here:
            if job := self._cluster.workers.pop(name, None):
                await job.close()
        self._came = here

    def _ask_the_queue(self, *, alone: bool) -> None:
        """Forget jobs that it did not take, or that ended before their workers came.

        Raises:
            Refusal: Nobody works, and there are some.
        """
        if refused := self._cluster.sync(self._take_refused):
            self._hold(f"the queue takes no job: {refused}", alone=alone)
        numbers = self._numbers()  # first: who is submitted later is not in the listing
        lines = listed(self._state)
        if lines is None:
            return
        queue = of_jobs(lines, numbers.values())
        ended = {name: number for name, number in numbers.items() if number not in queue}
        if ended := self._cluster.sync(self._take, ended):
            self._stillborn += len(ended)
        if ended and self._stillborn >= STILLBORN:
            self._hold(
                f"{self._stillborn} jobs ended before their workers came, the last one was "
                f"{max(ended.values())}; {self._run.folder.parent / LOGS} may say why",
                alone=alone,
            )

    async def _take_refused(self) -> str:
        """Return why jobs could not be submitted; they are no jobs of ours any more."""
        reasons = []
        for name, job in list(self._cluster.workers.items()):
            if job.job_id is None:
                reasons.append(job.refused or "it gave no number")
                del self._cluster.workers[name]
        return reasons[-1] if reasons else ""

    async def _take(self, ended: Mapping[str, str]) -> dict[str, str]:
        """Forget jobs that are over, and return those whose workers have never come."""
        never = {name: ended[name] for name in ended.keys() - self._came - self._here()}
        for name in never:
            if job := self._cluster.workers.pop(name, None):
                await job.close()
        return never

    def _here(self) -> set[str]:
        return {str(each["name"]) for each in self._cluster.scheduler_info["workers"].values()}

    def _numbers(self) -> dict[str, str]:
        """Return the number of each job by its worker's name."""
        jobs = dict(self._cluster.workers)
        return {name: job.job_id for name, job in jobs.items() if job.job_id}

    def _hold(self, reason: str, *, alone: bool) -> None:
        """Stop for a reason where nobody works, else say it once.

        Raises:
            Refusal: Nobody works.
        """
        if alone:
            raise Refusal(f"cluster: {reason}; {KEPT}")
        if reason != self._told:
            log.warning("%s; the others go on", reason)
        self._told = reason

    def _standing(self) -> str:
        lines = listed(self._state)
        if lines is None:
            return f"{self._state.split()[0]} does not answer"
        numbers = self._numbers().values()
        found = of_jobs(lines, numbers)
        return f"the queue: {summed_up(list(found.values())) or 'none of our jobs'}"
