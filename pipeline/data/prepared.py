"""A dataset of the configuration, from its source to checked arrays in a folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.components import build
from pipeline.data.arrays import write
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Component, Manifest
from pipeline.studies import Dataset

DEEPEST = 4  # folders below one another that are looked through: PATH/train/CLASS/PICTURE


def prepare(dataset: Dataset, name: str, folder: Path) -> Manifest:
    """Build a dataset's source, split it and write its arrays to `folder`, which it replaces.

    Args:
        dataset: Where examples come from, and how they are split.
        name: The dataset's name in conf/dataset.
        folder: Where the arrays go.

    Raises:
        Refusal: The examples cannot be had, split or written as asked.
    """
    source = build(dataset.source)
    if not isinstance(source, Source):
        raise Refusal(
            f"dataset {name}: {dataset.source.target} returned {type(source).__name__}; "
            "it must return a pipeline.data.source.Source"
        )
    return write(source, dataset, name, folder)


def state_of_files(source: Component) -> str | None:
    """Return what changes when somebody changes the files that a source's `path` names.

    It is a digest of names, sizes and times, quick to take: good to decide
    whether to prepare again, not to say what the examples are.

    Returns:
        64 hexadecimal digits; None where the source names no file.
    """
    path = source.arguments.get("path")
    if not isinstance(path, str):
        return None
    found = hashlib.sha256()
    for line in _stated(Path(path).expanduser(), DEEPEST):
        found.update(line)
    return found.hexdigest()


def _stated(place: Path, deepest: int) -> Iterator[bytes]:
    """Yield a line for a file, or for each file of a folder; none for what can't be seen."""
    try:
        status = place.stat()
        if not stat.S_ISDIR(status.st_mode):
            yield b"%b %d %d\n" % (os.fsencode(place.name), status.st_size, status.st_mtime_ns)
        elif deepest:
            yield b"%b/\n" % os.fsencode(place.name)
            for inside in sorted(place.iterdir()):
                yield from _stated(inside, deepest - 1)
    except (OSError, ValueError):  # whoever reads it says what is wrong
        yield b"unseen\n"
