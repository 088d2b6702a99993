"""How many cores there are to work on."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores this process may use, or how many there are where that is not told."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
