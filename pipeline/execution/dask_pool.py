"""Worker processes of a dask scheduler, a task at a time, and perhaps one that waits there.

A task belongs to one worker; when that dies over it, the task is handed back, three
times, and then given up. One that waited there was not begun: it is handed back.
Workers write their answers to the store themselves, so that nothing depends on what
dask remembers.
"""

from __future__ import annotations

import logging
import queue
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Client, Future

from pipeline.errors import Refusal, reason_of
from pipeline.execution.crew import Crew
from pipeline.execution.limits import watched
from pipeline.execution.pool import Done, attempted
from pipeline.execution.sight import Sight, missed
from pipeline.execution.store import Store
from pipeline.execution.task import Failed, Lost, Outcome, Task
from pipeline.records import Result
from pipeline.studies import Limits

RETRIES = 3
AHEAD = "over another one, before it began"
LOOK_SECONDS = 1.0  # how often the scheduler is asked who is there
SIGHT_SECONDS = 5  # how long new workers are waited for; who is slower gets a first trial later

Job = Callable[[Task, Store, Limits], Outcome]
log = logging.getLogger("normbench")


class DaskPool:
    """Workers of a dask scheduler, a task at a time."""

    def __init__(
        self,
        client: Client,
        store: Store,
        limits: Limits,
        sight: Sight,
        crew: Crew,
        job: Job | None = None,
    ) -> None:
        """Take a connected client.

        Args:
            client: The connection.
            store: Where workers write; its folder must be the same one for all of them.
            limits: What a worker may spend on a trial.
            sight: What a worker must see; one that does not is named once, and gets no trial.
            crew: Who starts, replaces and ends the workers.
            job: What a worker does with a task: `carry_out`, unless a benchmark says otherwise.
        """
        self._client = client
        self._store = Store(store.root.resolve())
        self._limits = limits
        self._sight = sight
        self._crew = crew
        self._job = job or carry_out
        self._over: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._given: dict[str, tuple[Task, str]] = {}  # by dask's key
        self._futures: dict[str, Future] = {}
        self._alive: Sequence[str] = ()
        self._asked: dict[str, Future] = {}  # by worker: what does it miss?
        self._missed: dict[str, str] = {}  # by worker: what it misses; nothing where it may work
        self._looked = -LOOK_SECONDS
        self._count = 0
        self._deaths: Counter[str] = Counter()  # by trial

    def free(self) -> Sequence[str]:
        """Return the addresses of the workers that have nothing to do, then of those that have one.

        Raises:
            Refusal: The scheduler is gone, or none of its workers sees what this process sees.
        """
        self._look()
        given = Counter(worker for _, worker in self._given.values())
        found = [
            worker
            for worker in self._alive
            if given[worker] <= self._crew.ahead
            and self._missed.get(worker) == ""
            and self._crew.may_begin(worker)
        ]
        return sorted(found, key=given.__getitem__)

    def submit(self, task: Task, worker: str) -> None:
        """Give a free worker a task."""
        self._count += 1
        future = self._client.submit(
            self._job,
            task.resolved(),
            self._store,
            self._limits,
            key=f"{task.trial.key[:16]}-{self._count}",
            workers=[worker],
            pure=False,
        )
        self._given[future.key] = task, worker
        self._futures[future.key] = future
        future.add_done_callback(self._over.put)

    def done(self, timeout_seconds: float) -> list[Done]:
        """Return what is over, waiting for the first of it at most so long.

        Raises:
            Refusal: A question cannot be answered as it stands, or the scheduler is gone.
            Contradiction: A trial gave other bits than the store holds.
        """
        found: list[Done] = []
        try:
            found += self._landed(self._over.get(timeout=timeout_seconds))
            while True:
                found += self._landed(self._over.get_nowait())
        except queue.Empty:
            if self._client.status != "running":
                raise _unreachable() from None
        self._look()
        return found + self._bereaved()

    def close(self) -> None:
        """End the workers, or, on a scheduler of somebody else's, what they do for us."""
        self._sight.end()
        try:
            if self._client.status == "running":
                self._client.cancel(list(self._futures.values()), force=True)
        except (OSError, TimeoutError):  # the scheduler died just now
            pass
        finally:
            self._crew.end()

    def _landed(self, future: Future) -> list[Done]:
        if future.key not in self._given:  # its worker's death was noticed first
            return []
        task, worker = self._given.pop(future.key)
        outcome = self._outcome(future, task, worker)
        del self._futures[future.key]
        future.release()
        return [Done(task, worker, outcome)]

    def _outcome(self, future: Future, task: Task, worker: str) -> Outcome:
        if future.status == "cancelled" or self._client.status != "running":
            raise _unreachable()
        outcome = self._gathered(future, worker)
        if outcome is None:
            return self._death(task, worker)
        if isinstance(outcome, BaseException):
            if type(outcome).__module__.startswith("pipeline."):
                raise outcome
            return Failed(task, reason_of(outcome))
        return replace(outcome, task=task) if isinstance(outcome, Failed) else outcome

    def _gathered(self, future: Future, worker: str) -> Any:
        """Return what came of a future that is over: a result, or an exception.

        A result lies with its worker until it is fetched: of one that died since, it is None.

        Raises:
            Refusal: The scheduler is gone.
        """
        while True:
            try:
                return future.exception(timeout=LOOK_SECONDS) or future.result(LOOK_SECONDS)
            except TimeoutError:
                if worker not in self._workers():
                    return None

    def _workers(self) -> Sequence[str]:
        try:
            return sorted(self._client.nthreads())
        except (OSError, TimeoutError) as error:
            raise _unreachable() from error

    def _look(self) -> None:
        """Ask who is there, unless that was asked a moment ago."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._alive = self._workers()
        self._looked = time.monotonic()
        self._question()
        self._crew.look(self._alive)

    def _question(self) -> None:
        """Ask each new worker what it misses, and name those that miss something."""
        new = [each for each in self._alive if each not in self._missed | self._asked]
        for worker in new:
            key = f"sight-{self._sight.word}-{worker}"
            self._asked[worker] = self._client.submit(
                missed, self._sight, key=key, workers=[worker], pure=False
            )
        deadline = time.monotonic() + SIGHT_SECONDS
        while time.monotonic() < deadline and not all(self._asked[each].done() for each in new):
            time.sleep(0.01)
        for worker, future in list(self._asked.items()):
            if worker not in self._alive or future.status in ("cancelled", "lost"):
                del self._asked[worker]
            elif future.done():
                del self._asked[worker]
                self._missed[worker] = _told(self._gathered(future, worker))
                if self._missed[worker]:
                    log.warning("worker %s %s; it gets no trial", worker, self._missed[worker])
        missing = [self._missed.get(worker) for worker in self._alive]
        if missing and all(missing):
            raise Refusal(
                f"cluster: none of the {len(missing)} workers can work: {self._alive[0]} "
                f"{missing[0]}; let them and this process share the folders under the same paths"
            )

    def _bereaved(self) -> list[Done]:
        """Return the tasks whose workers are gone."""
        gone = [each for each in self._given.items() if each[1][1] not in self._alive]
        found: list[Done] = []
        for key, (task, worker) in gone:
            ahead = [each.outcome for each in found if each.worker == worker]
            begun = all(isinstance(outcome, Result) for outcome in ahead)
            del self._given[key]
            self._futures.pop(key).cancel()
            lost = self._death(task, worker) if begun else Lost(task, f"its worker died {AHEAD}")
            found.append(Done(task, worker, lost))
        return found

    def _death(self, task: Task, worker: str) -> Outcome:
        """Return what a worker's death over a task, or after it, comes to."""
        known = None if task.keep_model else self._store.get(task.trial)
        if known is not None:  # it was over, and the worker died over the next one
            return known
        words = last_words(self._store, task.trial.key)
        if not words.exists() and self._crew.was_called_away(worker):
            return Lost(task, "its worker was called away by its queue")
        why = words.read_text() if words.exists() else "died"
        words.unlink(missing_ok=True)
        self._deaths[task.trial.key] += 1
        if self._deaths[task.trial.key] > RETRIES:
            return Failed(task, f"its worker {why}, {RETRIES + 1} times in a row")
        return Lost(task, f"its worker {why}")


def _told(came: object) -> str:
    """Return what a worker misses; one that cannot even say runs other code than this process."""
    if isinstance(came, BaseException):
        return f"does not run this code ({reason_of(came)})"
    return "is gone" if came is None else str(came)


def carry_out(task: Task, store: Store, limits: Limits) -> Outcome:
    """Answer a task in a worker process, within limits."""
    words = last_words(store, task.trial.key)

    def leave(reason: str) -> None:
        words.parent.mkdir(parents=True, exist_ok=True)
        words.write_text(f"was ended, the trial being {reason}")

    with watched(limits, leave):
        outcome = attempted(task, store)
    words.unlink(missing_ok=True)
    return outcome


def last_words(store: Store, key: str) -> Path:
    """Return where a worker that ends itself over a trial says why."""
    return store.root / key[:2] / f"{key}.ended"


def _unreachable() -> Refusal:
    return Refusal(
        "the dask scheduler is out of reach; what is finished is kept, "
        "the same command goes on once it is back"
    )
