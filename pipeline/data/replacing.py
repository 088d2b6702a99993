"""A folder that takes another's place as a whole, or not at all."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import Refusal


@contextmanager
def replacing(folder: Path, byte_count: int) -> Iterator[Path]:
    """Enter with an empty folder beside `folder`, which takes its place when all went well.

    Args:
        folder: What is replaced, or made.
        byte_count: What will be written, about.

    Raises:
        Refusal: There is no room, or no right to write there; then nothing is
            left, and what was in `folder` is still there.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        _remove(partial)
        try:
            partial.mkdir(parents=True)
            if (free := shutil.disk_usage(partial).free) < byte_count:
                raise Refusal(_full(folder, byte_count, f"there are {_size(free)}"))
            yield partial
            _remove(folder)
            partial.rename(folder)
        finally:
            _remove(partial)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(_full(folder, byte_count, reason)) from error
        raise Refusal(
            f"{folder}: cannot be written: {reason}; nothing half-written is left"
        ) from error


def _full(folder: Path, byte_count: int, reason: str) -> str:
    return (
        f"{folder}: needs {_size(byte_count)} of free disk, {reason}; free as much, or ask for "
        "fewer or smaller examples; nothing half-written is left"
    )


def _size(byte_count: int) -> str:
    return f"{byte_count / 1e9:.1f} GB" if byte_count >= 1e8 else f"{byte_count / 1e6:.1f} MB"


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
