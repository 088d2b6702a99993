"""One sweep at a time per checkout and profile.

The lock is the operating system's (`flock`): it ends with the process that
holds it, however that ends, and an orphan of a killed run still holds it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import Refusal


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold the lock while the body runs.

    Raises:
        Refusal: Another process holds it; the line names the process.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise Refusal(f"{file}: held by {holder}; wait for it or end it") from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {os.uname().nodename}\n")
        stream.flush()
        yield
