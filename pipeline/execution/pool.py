"""Who works: named workers that carry out a task at a time, and hand back what came out.

`Inline` is this process itself; `dask_clusters.py` starts worker processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.components import build
from pipeline.errors import Contradiction, Refusal, reason_of
from pipeline.execution.store import Store
from pipeline.execution.task import Failed, Outcome, Task
from pipeline.execution.work import work
from pipeline.studies import Cluster, Limits


@dataclass(frozen=True)
class Done:
    """A task that is over, on the worker it was given to."""

    task: Task
    worker: str
    outcome: Outcome


class Pool(Protocol):
    """Workers that carry out a task at a time, in the order in which they were given."""

    def free(self) -> Sequence[str]:
        """Return the names of the workers that have nothing to do, then of those that have little.

        The latter take a task that waits with them, so that they need not wait for one.
        """
        ...

    def submit(self, task: Task, worker: str) -> None:
        """Give a free worker a task."""
        ...

    def done(self, timeout_seconds: float) -> list[Done]:
        """Return what is over, waiting for the first of it at most so long.

        Raises:
            Refusal: A question cannot be answered as it stands, or the workers are out of reach.
            Contradiction: A trial gave other bits than the store holds.
        """
        ...

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        ...


class Inline:
    """This process as the only worker: for debugging. A trial's limits are not watched."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        folders: Sequence[Path] = (),  # noqa: ARG002
        code: Sequence[str] = (),  # noqa: ARG002
    ) -> None:
        self._store = store
        self._limits = limits
        self._given: Task | None = None

    def free(self) -> Sequence[str]:
        """Return this process, unless it has been given a task."""
        return ["inline"] if self._given is None else []

    def submit(self, task: Task, worker: str) -> None:
        """Take the task; `done` carries it out."""
        assert self._given is None, f"{worker} has a task already"
        self._given = task

    def done(self, timeout_seconds: float) -> list[Done]:  # noqa: ARG002
        """Carry the task out and return its outcome."""
        task, self._given = self._given, None
        if task is None:
            return []
        return [Done(task, "inline", attempted(task, self._store))]

    def close(self) -> None:
        """Do nothing: the process goes on."""


def attempted(task: Task, store: Store) -> Outcome:
    """Return a task's result, or why its trial failed.

    Raises:
        Refusal: The question cannot be answered as it stands.
        Contradiction: The store holds another answer to the same question.
    """
    try:
        return work(task, store)
    except (Refusal, Contradiction):
        raise
    except (Exception, SystemExit) as error:  # a model may raise anything; the others go on
        return Failed(task, reason_of(error))


def open_pool(cluster: Cluster, store: Store, folders: Sequence[Path], code: Sequence[str]) -> Pool:
    """Return the pool that a cluster's configuration names, its workers started.

    Args:
        cluster: Who works, within which limits.
        store: Where answers go.
        folders: The arrays that every worker must see.
        code: The modules of the user's own that trials name.

    Raises:
        Refusal: The configuration does not fit, or nobody can work.
    """
    pool: Pool = build(cluster.pool, store, cluster.limits, folders, code)
    return pool
