"""Where an answer came from: the commit, uncommitted changes, host and time.

None of it enters an answer or its key; it stands beside, for people.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import time
from functools import cache
from pathlib import Path

from pipeline.execution.store import Clock


def clock(started: float) -> Clock:
    """Return the clock readings of work that began at `started` (POSIX seconds) and ends now."""
    commit, dirty = checkout()
    return Clock(
        started=started,
        wall_seconds=time.time() - started,
        commit=commit,
        dirty=dirty,
        host=platform.node(),
    )


@cache
def checkout() -> tuple[str, str]:
    """Return the commit of this code and a digest of its uncommitted changes.

    Both are empty outside a git checkout; the digest is empty when nothing was changed.
    """
    commit = _git("rev-parse", "HEAD").strip()
    changes = _git("diff", "HEAD", "--", "pipeline", "conf") if commit else ""
    return commit, hashlib.sha256(changes.encode()).hexdigest() if changes else ""


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout if done.returncode == 0 else ""
