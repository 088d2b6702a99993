"""Who the workers of a pool are: who starts them, replaces them, and says that they left.

`DaskPool` gives tasks to workers and takes answers; what differs from one kind of worker to
another is here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.errors import Refusal

KEPT = "what is finished is kept, the same command goes on"
FOREVER = float("inf")
log = logging.getLogger("normbench")


class Crew(Protocol):
    """The workers of a pool, by the addresses that dask gives them.

    `ahead` is how many trials may wait at a worker that has one.
    """

    ahead: int

    def look(self, alive: Sequence[str]) -> None:
        """Be told who is there, about once a second; start those that are missing.

        Raises:
            Refusal: Nobody will come.
        """
        ...

    def may_begin(self, worker: str) -> bool:
        """Tell whether a worker that has nothing to do may be given a trial."""
        ...

    def was_called_away(self, worker: str) -> bool:
        """Tell whether a worker that is gone said that others ended it: no fault of its trial."""
        ...

    def end(self) -> None:
        """End what was started for the pool."""
        ...


class Steady:
    """Part of a crew whose workers stay until the end, and say nothing when they go."""

    ahead = 1

    def may_begin(self, worker: str) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def was_called_away(self, worker: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False


class Patience:
    """How long a pool waits for a worker, and what it says meanwhile."""

    def __init__(
        self,
        what: str,
        *,
        tell_seconds: float = FOREVER,
        limit_seconds: float = FOREVER,
        state: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to wait.

        Args:
            what: Who has not come, as the lines begin: `no worker process has come up`.
            tell_seconds: After how long a line says so; the next after twice the time.
            limit_seconds: After how long nobody is waited for any more.
            state: How the queue stands that workers come from; empty where there is none.
            clock: Seconds.
        """
        self._what = what
        self._first_tell = self._next_tell = tell_seconds
        self._limit = limit_seconds
        self._state = state
        self._clock = clock
        self._last_seen = clock()

    def look(self, count: int) -> None:
        """Be told how many workers there are.

        Raises:
            Refusal: There has been none for longer than the limit.
        """
        now = self._clock()
        if count:
            self._last_seen, self._next_tell = now, self._first_tell
            return
        waited = now - self._last_seen
        if waited > self._limit:
            raise Refusal(f"cluster: {self._what} for {self._limit:g} s{self._standing()}; {KEPT}")
        if waited > self._next_tell:
            log.warning("%s for %.0f s%s; still waiting", self._what, waited, self._standing())
            self._next_tell *= 2

    def _standing(self) -> str:
        state = self._state()
        return f" ({state})" if state else ""
