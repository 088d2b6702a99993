"""What a worker must see before it gets a trial: the sweep's own store, and the sweep's arrays.

A path is no proof: on another machine, or in a container, the same path may be
another folder. So the coordinator leaves a word in the store that nobody else
can know, and a worker that reads it there sees the same folder.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.arrays import read_manifest
from pipeline.errors import Refusal
from pipeline.execution.digested import unusable
from pipeline.execution.store import Store

PREFIX = ".seen-"
STALE_SECONDS = 7 * 24 * 3600  # no sweep is so long that its word is taken for a dead one's


@dataclass(frozen=True)
class Sight:
    """What the coordinator sees.

    Attributes:
        store: The store's folder, absolute.
        word: What its file `.seen-WORD` says.
        arrays: Each folder of arrays, absolute, and the digest of its manifest.
    """

    store: Path
    word: str
    arrays: tuple[tuple[Path, str], ...]

    @property
    def file(self) -> Path:
        """Where the word lies."""
        return self.store / f"{PREFIX}{self.word}"

    def end(self) -> None:
        """Take the word away again."""
        self.file.unlink(missing_ok=True)


def look(store: Store, folders: Iterable[Path]) -> Sight:
    """Return what this process sees, its word left in the store.

    Raises:
        Refusal: The store cannot be written, or a folder's manifest not be read.
    """
    arrays = [(folder.resolve(), read_manifest(folder).digest) for folder in folders]
    sight = Sight(store.root.resolve(), secrets.token_hex(16), tuple(arrays))
    try:
        sight.store.mkdir(parents=True, exist_ok=True)
        for left in sight.store.glob(f"{PREFIX}*"):  # by coordinators that were killed
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink(missing_ok=True)
        sight.file.write_text(sight.word)
    except OSError as error:
        raise Refusal(unusable(sight.store, error)) from error
    return sight


def missed(sight: Sight) -> str:
    """Return what this process, a worker, does not see of it; nothing where it sees all."""
    try:
        if sight.file.read_text() != sight.word:
            return f"sees another folder in the place of the store {sight.store}"
    except OSError:
        if sight.store.is_dir():
            return f"sees another folder in the place of the store {sight.store}"
        return f"sees no store {sight.store}"
    if not os.access(sight.store, os.W_OK | os.X_OK):
        return f"may not write to the store {sight.store}"
    for folder, digest in sight.arrays:
        try:
            found = read_manifest(folder).digest
        except Refusal as refusal:
            return f"does not see the arrays ({refusal})"
        except OSError as error:
            return f"does not see the arrays ({folder}: {error.strerror or error})"
        if found != digest:
            return f"sees other arrays than the sweep in {folder}"
    return ""
