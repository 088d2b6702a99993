"""One writer at a time per mirror: two at once write double runs, and crash in a first migration.

The lock is the operating system's (`flock`): it ends with the process that
holds it, however that ends. It lies beside an SQLite database; for a server,
among this machine's temporary files. Writers on two machines are not kept
apart: the later one mends what both have written.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from pipeline.tracking.outage import MirrorUnreachable, shown, unreachable

PATIENCE_SECONDS = 15.0  # a writer's usual pass is over by then, a first migration too
POLL_SECONDS = 0.05


@contextmanager
def one_writer(
    mirror: str, uri: str, patience_seconds: float = PATIENCE_SECONDS, *, mark: str = ""
) -> Iterator[bool]:
    """Be the only writer of a mirror while the body runs; gives whether the last one was, too.

    Args:
        mirror: Its name, for the line.
        uri: Where it is.
        patience_seconds: How long another writer is waited for.
        mark: Who writes, for `one_writer` to recognize; without one, nobody.

    Raises:
        MirrorUnreachable: Another process goes on writing, and is named; or the
            lock cannot be made.
    """
    file = lock_file(uri)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+")
    except OSError as error:
        raise unreachable(mirror, uri, error) from error
    with stream:
        if not _taken(stream, time.monotonic() + patience_seconds):
            stream.seek(0)
            holder = stream.readline().strip() or "another process"
            raise MirrorUnreachable(f"{mirror} at {shown(uri)}: left to {holder}, which writes it")
        stream.seek(0)
        was_mine = mark != "" and stream.read().splitlines()[1:] == [mark]
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {os.uname().nodename}\n{mark}\n")
        stream.flush()
        yield was_mine


def lock_file(uri: str) -> Path:
    """Return the file whose lock a writer holds: the same for every way to name one SQLite file."""
    database = sqlite_file(uri)
    if database is not None:
        return database.with_name(f"{database.name}.lock")
    digest = sha256(uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"normbench-mirror-{os.getuid()}-{digest}.lock"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite database, or nothing for any other address."""
    scheme, _, path = uri.partition(":///")
    name = path.partition("?")[0]
    if scheme.partition("+")[0] != "sqlite" or name in ("", ":memory:"):
        return None
    return Path(name).resolve()


def _taken(stream: IO[str], deadline: float) -> bool:
    """Try until the deadline: a blocking `flock` could not be given one."""
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True
