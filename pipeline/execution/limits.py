"""A trial's limits, watched from within its worker: over one of them, the worker process ends.

Training holds a core and listens to nobody, so nothing gentler is certain to
work. Why it ended is left beside the answer's place, for whoever reports it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from pipeline.studies import Limits

LOOK_SECONDS = 0.1
EXIT_CODE = 70


@contextmanager
def watched(limits: Limits, leave: Callable[[str], None]) -> Iterator[None]:
    """End this process if the body takes longer, or the process holds more, than allowed.

    Args:
        limits: What is allowed.
        leave: Called with the reason just before the end.
    """
    if limits.wall_seconds is None and limits.memory_bytes is None:
        yield
        return
    over = threading.Event()
    deadline = None if limits.wall_seconds is None else time.monotonic() + limits.wall_seconds

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            reason = _exceeded(limits, deadline)
            if reason:
                leave(reason)
                os._exit(EXIT_CODE)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _exceeded(limits: Limits, deadline: float | None) -> str:
    if deadline is not None and time.monotonic() > deadline:
        return f"over its limit of {limits.wall_seconds:g} s"
    held = psutil.Process().memory_info().rss
    if limits.memory_bytes is not None and held > limits.memory_bytes:
        return f"over its limit of {limits.memory_bytes / 1e6:.0f} MB: held {held / 1e6:.0f}"
    return ""
