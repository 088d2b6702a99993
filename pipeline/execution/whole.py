"""Files that are whole or absent, also on a folder that several machines share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Hand out an empty file beside `file`, which takes its place once the body has filled it.

    The name is new on whatever machine writes to the folder: the file system
    is asked to create it, and refuses one that exists. It stands for the whole
    content even after a power cut; if the body fails, nothing stays.
    """
    handle, name = tempfile.mkstemp(
        dir=file.parent, prefix=f".{file.name[:20]}-", suffix=file.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        with temporary.open("r+b") as stream:
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(file: Path, text: str) -> None:
    """Write a text file so that its name never stands for half of it, even after a power cut."""
    with replacing(file) as temporary:
        temporary.write_text(text)
