"""How a worker that is called away says so: a word in a folder that it and the sweep share.

Walltime, preemption and `scancel` end a worker by SIGTERM, through no fault of
the trial that it was at. Who is killed says nothing.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

PREFIX = "left-"


def leave_word(folder: Path, worker: str) -> None:
    """Say that a worker, by its address, is called away."""
    _word(folder, worker).touch(mode=0o600)


def take_word(folder: Path, worker: str) -> bool:
    """Tell, once, whether a worker said that it is called away: its address may be used again."""
    try:
        _word(folder, worker).unlink()
    except OSError:
        return False
    return True


def _word(folder: Path, worker: str) -> Path:
    return folder / f"{PREFIX}{quote(worker, safe='')}"
