"""A temporary folder for worker processes, which are killed and so clean up nothing themselves.

A coordinator that is killed leaves its folder behind, unlocked: the next one on its machine removes
it. Another machine's is left alone, for a lock may not be seen from here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "normbench-workers-"
LOCK = ".lock"


class Scratch:
    """A folder of this process's own, which nobody else may read, held until `end`."""

    def __init__(self, parent: Path | None = None) -> None:
        """Make the folder below `parent`, or $TMPDIR, and remove those that nobody holds any more.

        Raises:
            OSError: It cannot be made.
        """
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = (self.folder / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._lock.write(os.uname().nodename)
        self._lock.flush()

    def end(self) -> None:
        """Remove the folder with all that workers left in it, whoever still writes there."""
        gone = self.folder.with_name(f"{self.folder.name}-over")
        with suppress(OSError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        self._lock.close()


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / LOCK).open("r+") as lock:  # held, or another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.read() in ("", os.uname().nodename):
                shutil.rmtree(folder, ignore_errors=True)
