"""A temporary folder for worker processes, which are killed and so clean up nothing themselves.

A coordinator that is killed leaves its folder behind, unlocked: the next one removes it.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "normbench-workers-"
LOCK = ".lock"


class Scratch:
    """A folder of this process's own below $TMPDIR, held until `end`."""

    def __init__(self) -> None:
        """Make the folder, and remove those that nobody holds any more."""
        _sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = (self.folder / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def end(self) -> None:
        """Remove the folder with all that workers left in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / LOCK).open("r+") as lock:  # held, or another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
