"""One process at a time: a sweep per checkout and profile, whoever prepares a dataset.

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
def held(file: Path, *, patient: bool = False) -> Iterator[None]:
    """Hold the lock while the body runs; who is patient waits for it.

    Raises:
        Refusal: Another process holds it; the line names the process. Or the file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+")
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror or error}") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Refusal(f"{file}: held by {_named(file)}; wait for it or end it") from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {os.uname().nodename}\n")
        stream.flush()
        yield


def holder(file: Path) -> str | None:
    """Return who holds the lock, or nothing when it is free."""
    try:
        stream = file.open()
    except FileNotFoundError:
        return None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _named(file)
    return None


def _named(file: Path) -> str:
    return file.read_text().strip() or "another process"
