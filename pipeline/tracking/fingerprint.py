"""What a run says, as two digests that stand in its tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.content import content_digest
from pipeline.records import Manifest
from pipeline.tracking.entry import Entry


@dataclass(frozen=True)
class Fingerprint:
    """`fixed` digests name, params, tags, dataset, model and files; `points` the metrics."""

    fixed: str
    points: str


def fingerprint(entry: Entry, manifests: Mapping[str, Manifest]) -> Fingerprint:
    """Return the digests of an entry; its files are read for theirs.

    Raises:
        OSError: A file of the entry cannot be read.
    """
    files = dict(entry.files) | ({"model": entry.model} if entry.model else {})
    manifest = manifests.get(entry.dataset[0]) if entry.dataset else None
    fixed = {
        "name": entry.name,
        "params": entry.params,
        "tags": entry.tags,
        "dataset": [*entry.dataset, manifest.digest] if entry.dataset and manifest else None,
        "files": {name: _file_digest(path) for name, path in files.items()},
    }
    return Fingerprint(content_digest(fixed), content_digest(sorted(entry.points)))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
