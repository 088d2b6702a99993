"""Where an answer came from, and whether it is the same here: commit, changes, host, environment.

None of it enters an answer or its key, but for the environment, which a trial
names; the rest stands beside, for people.
"""

from __future__ import annotations

import hashlib
import platform
import time
from functools import cache

from pipeline.execution.environment import environment
from pipeline.execution.store import Clock
from pipeline.git import git
from pipeline.records import Environment, Trial
from pipeline.search.questions import components


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
    commit = git("rev-parse", "HEAD")
    changes = git("diff", "HEAD", "--", "pipeline", "conf") if commit else ""
    return commit, hashlib.sha256(changes.encode()).hexdigest() if changes else ""


def asked_here(trial: Trial) -> Trial:
    """Return the question as it is put on this machine, by this checkout: its key may be another.

    Raises:
        Refusal: The trial's model, layer or optimizer is not to be found here.
    """
    return Trial.parse({**trial.plain(), "environment": environment_here(trial).plain()})


def environment_here(trial: Trial) -> Environment:
    """Return what would decide the trial's digits if it were asked here.

    Raises:
        Refusal: The trial's model, layer or optimizer is not to be found here.
    """
    return environment(components(trial), trial.trainer)
