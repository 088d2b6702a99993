"""Whether a mirror on this machine is as it was when it was right: then nobody need read it.

Beside an SQLite database lies a note: how the file looked after the last pass, and of which
snapshots everything was right then. Where the file looks the same, nobody has written since, and
a snapshot with the same digest has nothing to bring. SQLite counts its transactions in the file's
head. A server keeps no such note; neither do those that no longer have one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.content import canonical_json
from pipeline.tracking.one_writer import sqlite_file

HEAD_BYTES = 100  # SQLite's: its counter of transactions is among them
BESIDE = ("", "-wal", "-journal")  # the database, and what lies beside it while it is written

Noted = dict[str, dict[str, Any]]  # what was right, by name: a digest, and counts to tell


def noted(uri: str) -> Noted:
    """Return what was right in a database that nobody has written since; nothing where one has."""
    database = sqlite_file(uri)
    if database is None:
        return {}
    try:
        content = json.loads(_note(database).read_text())
        found: Noted = content["right"] if content["looks"] == _looks(database) else {}
    except (OSError, ValueError, KeyError, TypeError):  # no note, or somebody else's
        return {}
    return found


@contextmanager
def noting(uri: str) -> Iterator[Noted]:
    """Hand out what was right, to be changed by the only writer of a database while it writes.

    It is written down at the end; after a failure, nobody knows what is there.
    """
    right = noted(uri)
    yield right
    database = sqlite_file(uri)
    if database is not None and database.exists():
        text = canonical_json({"looks": _looks(database), "right": right})
        temporary = _note(database).with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(_note(database))


def _note(database: Path) -> Path:
    return database.with_name(f"{database.name}.right.json")


def _looks(database: Path) -> list[Any]:
    """Return what tells whether a database was written: SQLite's counters, sizes and times."""
    files = [database.with_name(database.name + ending) for ending in BESIDE]
    stats = [file.stat() if file.exists() else None for file in files]
    with database.open("rb") as stream:
        head = stream.read(HEAD_BYTES).hex()
    return [head, *(each and [each.st_size, each.st_mtime_ns, each.st_ino] for each in stats)]
