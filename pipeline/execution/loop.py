"""One loop over all studies: ask what may be asked, give it to whoever is free, take what comes.

Resuming is looking up: a trial whose answer is in the store is not run again.
No core waits for the slowest trial of a study, nor for a study's tail. A trial that starts from
another one's weights waits for that one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.execution.affinity import Affinity
from pipeline.execution.pool import Done, Pool
from pipeline.execution.queues import Queue
from pipeline.execution.store import Store
from pipeline.execution.task import Failed, Lost, Task
from pipeline.execution.waiting import Waiting
from pipeline.records import Answer, Result

TICK_SECONDS = 0.5
SPARE = 2  # waiting trials a worker, more than which one of them may wait at a busy worker


class Watch(Protocol):
    """Is told what happens, as it happens."""

    def answered(self, answer: Answer, *, fresh: bool) -> None:
        """A task has its answer: trained now, or found in the store."""
        ...

    def started(self, task: Task, worker: str) -> None:
        """A worker has begun with a task."""
        ...

    def lost(self, loss: Lost) -> None:
        """A task's worker died; it waits for another one."""
        ...

    def failed(self, failure: Failed) -> None:
        """A task was given up."""
        ...

    def tick(self) -> None:
        """Time has passed."""
        ...


def run(
    queues: Sequence[Queue], open_pool: Callable[[], Pool], store: Store, watch: Watch
) -> list[Failed]:
    """Answer everything that the queues ask, and return the tasks that were given up.

    Args:
        queues: One per study, in the order that breaks ties.
        open_pool: Starts the workers; called when the first task needs one.
        store: Where known answers are looked up. Workers write to it themselves.
        watch: Is told what happens.

    Raises:
        Refusal: A question cannot be answered as it stands, or the workers are out of reach.
        Contradiction: A trial gave other bits than the store holds.
    """
    return _Run(queues, open_pool, store, watch).finish()


class _Run:
    def __init__(
        self,
        queues: Sequence[Queue],
        open_pool: Callable[[], Pool],
        store: Store,
        watch: Watch,
    ) -> None:
        self._queues = {queue.study.name: queue for queue in queues}
        self._open_pool = open_pool
        self._pool: Pool | None = None
        self._store = store
        self._watch = watch
        self._left = {queue.study.name: queue.total for queue in queues}
        self._waiting = Waiting()
        self._flying: dict[str, list[Task]] = {}  # by key: two studies may ask the same question
        self._given: dict[str, list[Task]] = {}  # by worker: what it does, and what waits there
        self._affinity = Affinity()
        self._failures: list[Failed] = []
        self._given_up: set[str] = set()  # keys

    def finish(self) -> list[Failed]:
        try:
            self._gather(list(self._queues.values()))
            while self._waiting or self._flying:
                self._hand_out()
                assert self._pool is not None
                for done in self._pool.done(TICK_SECONDS):
                    self._land(done)
                    self._take_back(done)
                self._watch.tick()
        finally:
            if self._pool is not None:
                self._pool.close()
        return self._failures

    def _gather(self, queues: list[Queue]) -> None:
        """Ask the queues until they have nothing more; answer from the store what it knows."""
        while queues:
            queue = queues.pop()
            for task in queue.ready():
                known = self._known(task)
                if known is not None:
                    self._take(task, known, fresh=False)
                    queues.append(queue)
                elif task.trial.key in self._flying:
                    self._flying[task.trial.key].append(task)
                elif task.start is not None and task.start.trial.key in self._given_up:
                    self._give_up(_orphaned(task))
                else:
                    self._waiting.add(task)

    def _known(self, task: Task) -> Result | None:
        found = self._store.get(task.trial)
        if found is not None and task.keep_model:
            return found if self._store.keeps_model(task.trial.key, found) else None
        return found

    def _hand_out(self) -> None:
        if self._pool is None:
            self._pool = self._open_pool()
        while free := self._pool.free():
            worker, given = free[0], self._given.get(free[0], [])
            if given and len(self._waiting) <= SPARE * len(self._given):
                return
            task = self._affinity.choose(self._waiting.heads(), worker, self._left)
            if task is None:
                return
            same = self._waiting.take(task.trial.key)
            keeper = next((each for each in same if each.keep_model), same[0])
            self._flying[task.trial.key] = same
            self._affinity.note(keeper, worker)
            self._pool.submit(keeper, worker)
            self._given[worker] = [*given, keeper]
            if not given:
                self._watch.started(keeper, worker)

    def _take_back(self, done: Done) -> None:
        """Strike off what a worker is done with; it begins with what waited there."""
        given = self._given[done.worker]
        given.remove(done.task)
        if not given:
            del self._given[done.worker]
        elif not isinstance(done.outcome, Lost):
            self._watch.started(given[0], done.worker)

    def _give_up(self, failure: Failed) -> None:
        """Give a task up, and those that start from its trial."""
        self._given_up.add(failure.task.trial.key)
        self._failures.append(failure)
        self._watch.failed(failure)
        for task in self._waiting.drop_after(failure.task.trial.key):
            self._give_up(_orphaned(task))

    def _land(self, done: Done) -> None:
        tasks = self._flying.pop(done.task.trial.key)
        if isinstance(done.outcome, Lost):
            for task in tasks:
                self._waiting.add(task)
            self._watch.lost(done.outcome)
            return
        self._waiting.over(done.task.trial.key)
        for task in tasks:
            if isinstance(done.outcome, Failed):
                self._give_up(Failed(task, done.outcome.reason))
            else:
                self._take(task, done.outcome, fresh=task is done.task)
        self._gather([self._queues[task.study] for task in tasks])

    def _take(self, task: Task, result: Result, *, fresh: bool) -> None:
        answer = self._queues[task.study].take(task, result)
        self._left[task.study] -= 1
        self._watch.answered(answer, fresh=fresh)


def _orphaned(task: Task) -> Failed:
    assert task.start is not None
    return Failed(task, f"it starts from {task.start.name}, which failed")
