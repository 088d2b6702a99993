"""When a worker is too old to begin another trial: a while before its walltime ends it.

Workers that started together do not end together: each one's age is cut by a
share that its own name decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from pipeline.content import content_digest
from pipeline.errors import Refusal

DIGITS = 8  # of a digest, in base 16


class Lifetimes:
    """The ages of workers, counted from when they were first seen."""

    def __init__(
        self,
        seconds: float | None,
        stagger_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the age.

        Args:
            seconds: At which a worker is too old; nothing means none is.
            stagger_seconds: By how much less at most, for some.
            clock: Seconds.

        Raises:
            Refusal: A worker might be too old from the start.
        """
        if seconds is not None and not 0 <= stagger_seconds < seconds:
            raise Refusal(
                f"cluster.stagger_seconds must be from 0 to below lifetime_seconds ({seconds:g}), "
                f"got {stagger_seconds:g}"
            )
        self._seconds = seconds
        self._stagger = stagger_seconds
        self._clock = clock
        self._since: dict[str, float] = {}

    def look(self, alive: Sequence[str]) -> None:
        """Be told who is there."""
        now = self._clock()
        self._since = {worker: self._since.get(worker, now) for worker in alive}

    def is_over(self, worker: str) -> bool:
        """Tell whether a worker is too old."""
        if self._seconds is None or worker not in self._since:
            return False
        share = int(content_digest({"worker": worker})[:DIGITS], 16) / float(16**DIGITS)
        age = self._clock() - self._since[worker]
        return age > self._seconds - share * self._stagger
