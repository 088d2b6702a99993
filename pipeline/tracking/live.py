"""Mirrors that follow a sweep while it runs, each in a daemon thread of its own.

The coordinator hands over answers and never waits. Whatever a mirror does, it
does in its thread: importing MLflow, waiting for a server, timing out. A
process that ends meanwhile leaves a run half-written; the next pass, or
`normbench mirror PROFILE`, mends it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from pipeline.errors import Refusal
from pipeline.records import Answer
from pipeline.tracking.mirrors import Mirror, warning
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.snapshot import Snapshot

Known = Callable[[Sequence[Answer]], Snapshot]

REST = 0.5  # times a pass's duration before the next: what is left is written after the sweep
LONGEST_PAUSE_SECONDS = 300.0  # between two attempts to reach a mirror that is down


class LiveMirror:
    """Mirrors answers as they come, and never fails or slows who brings them."""

    def __init__(
        self,
        profile: str,
        snapshot: Known,
        mirrors: Mapping[str, Mirror],
        *,
        interval: float = 10.0,
    ) -> None:
        """Start the threads; their first passes come after one interval.

        Args:
            profile: Named in the lines that say how to catch up.
            snapshot: Makes a snapshot of the answers known so far, sorted by study and index;
                called in the mirrors' threads, one at a time.
            mirrors: What to write, by name.
            interval: Seconds from one pass to the next, at least.
        """
        self._profile = profile
        self._feed = _Feed(snapshot)
        self._followers = [
            _Follower(name, mirror, self._feed, interval) for name, mirror in mirrors.items()
        ]
        for follower in self._followers:
            follower.start()

    def put(self, answer: Answer) -> None:
        """Hand over an answer; returns at once."""
        self._feed.answers.append(answer)

    def finish(self, patience_seconds: float) -> list[str]:
        """Ask for a last pass, wait for it, and return a line to print for each mirror.

        A line is a warning where the mirror is not up to date. A thread that is
        still busy by then is left to itself and ends with the process.

        Args:
            patience_seconds: How long to wait at most, for all mirrors together.

        Raises:
            Exception: What a thread raised that is no outage: a mistake of ours.
        """
        self._feed.over.set()
        deadline = time.monotonic() + patience_seconds
        for follower in self._followers:
            follower.join(max(0.0, deadline - time.monotonic()))
        lines = [follower.line(self._profile) for follower in self._followers]
        return [line for line in lines if line]


class _Feed:
    """What a sweep has handed over so far, and whether it is over."""

    def __init__(self, snapshot: Known) -> None:
        self.answers: list[Answer] = []
        self.over = threading.Event()
        self._make = snapshot
        self._one_at_a_time = threading.Lock()
        self._last: tuple[int, bool, Snapshot] | None = None

    def snapshot(self, count: int, *, last: bool) -> Snapshot:
        """Return a snapshot of the first answers, the same for all mirrors that ask for it."""
        with self._one_at_a_time:
            if self._last is None or self._last[:2] != (count, last):
                first = sorted(self.answers[:count], key=lambda each: (each.study, each.index))
                self._last = count, last, self._make(first)
            return self._last[2]


class _Follower(threading.Thread):
    """One mirror's thread: a pass, a rest, a pass, and a last one when the sweep is over."""

    def __init__(self, name: str, mirror: Mirror, feed: _Feed, interval: float) -> None:
        super().__init__(name=f"mirror {name}", daemon=True)
        self._place, self._mirror, self._feed, self._interval = name, mirror, feed, interval
        self._mirrored = 0  # answers
        self._done = ""  # by all passes that came through
        self._failed_in_a_row = self._failed = 0  # passes
        self._outage: Exception | None = None  # the last one
        self._mistake: Exception | None = None

    def run(self) -> None:
        """Follow the feed; an outage, or a file that is being replaced, is tried again."""
        pause, over = self._interval, False
        while not over:
            over = self._feed.over.wait(pause)
            count, began = len(self._feed.answers), time.monotonic()
            if count == self._mirrored:
                pause = self._interval
                continue
            try:
                self._done = self._mirror(self._feed.snapshot(count, last=over))
            except (MirrorUnreachable, Refusal, OSError) as outage:
                self._outage = outage
                self._failed += 1
                self._failed_in_a_row += 1
            except Exception as mistake:  # kept for `line`, in the thread that can tell it
                self._mistake = mistake
                return
            else:
                self._mirrored, self._failed_in_a_row = count, 0
            pause = self._rest(time.monotonic() - began)

    def _rest(self, seconds: float) -> float:
        """Return how long to pause after a pass of so many seconds."""
        failed = min(self._failed_in_a_row, 20)  # 2**20 is beyond any pause
        rest = max(self._interval * 2.0**failed, REST * seconds)
        return min(rest, LONGEST_PAUSE_SECONDS) if failed else rest

    def line(self, profile: str) -> str:
        """Return what to print about this mirror, empty where there was nothing to do.

        Raises:
            Exception: The mistake that ended the thread.
        """
        if self._mistake is not None:
            raise self._mistake
        before = f", before that: {self._outage}" if self._outage else ""
        if self.is_alive():
            return warning(profile, f"{self._place} was still being written{before}")
        if self._failed_in_a_row:
            return warning(profile, self._outage)
        if not self._failed or not self._done:
            return self._done
        return f"{self._done}; out of reach {self._failed} times on the way, last: {self._outage}"
