"""The user's files behind a dataset: whether they have changed, and what they hold."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.records import Component

DEEPEST = 8  # folders below one another that are looked through: links may go in a circle


def state_of_files(source: Component) -> str | None:
    """Return what changes when somebody changes the files that a source names.

    It is a digest of names, sizes and times, quick to take: good to decide
    whether to prepare again, not to say what the examples are.

    Returns:
        64 hexadecimal digits; None where the source names no file.
    """
    return _digest(source, with_content=False)


def content_of_files(source: Component) -> str | None:
    """Return the SHA-256 of the files that a source names: names below it and bytes, no times.

    It is the same wherever they lie, and reads all of them.

    Returns:
        64 hexadecimal digits; None where the source names no file.
    """
    return _digest(source, with_content=True)


def named_files(source: Component) -> list[Path]:
    """Return the files and folders that a source's arguments name: `path`, or `NAME_path`."""
    return [
        _at_home(Path(value))
        for name, value in sorted(source.arguments.items())
        if (name == "path" or name.endswith("_path")) and isinstance(value, str)
    ]


def _at_home(place: Path) -> Path:
    try:
        return place.expanduser()
    except RuntimeError:  # ~ of a user whom nobody knows: whoever reads it says so
        return place


def _digest(source: Component, *, with_content: bool) -> str | None:
    places = named_files(source)
    if not places:
        return None
    found = hashlib.sha256()
    for place in places:
        for line in _lines(place, DEEPEST, with_content=with_content):
            found.update(line)
    return found.hexdigest()


def _lines(place: Path, deepest: int, *, with_content: bool) -> Iterator[bytes]:
    """Yield a line for a file, or for each file of a folder; none for what can't be seen."""
    try:
        name, status = os.fsencode(place.name), place.stat()
        if stat.S_ISDIR(status.st_mode):
            yield b"%b/\n" % name
            for inside in sorted(place.iterdir()) if deepest else ():
                yield from _lines(inside, deepest - 1, with_content=with_content)
        elif with_content and stat.S_ISREG(status.st_mode):
            with place.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            yield b"%b %b\n" % (name, content.encode())
        else:
            yield b"%b %d %d\n" % (name, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError):  # whoever reads it says what is wrong
        yield b"unseen\n"
