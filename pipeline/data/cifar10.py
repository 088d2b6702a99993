"""CIFAR-10, 50,000 and 10,000 small color photographs: the binary archive, a file or downloaded.

An archive holds six batches of records: a byte for the label, then 32x32 bytes
of red, of green, of blue. The publisher's other archive is pickled: refused.
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.archive import check_inside
from pipeline.data.digest import check_found
from pipeline.data.download import downloads_folder, fetch
from pipeline.data.paths import file_at, shown, unreadable
from pipeline.data.source import Integers, Source
from pipeline.errors import Refusal

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SIDE = 32  # pixels
RECORD_BYTES = 1 + 3 * SIDE * SIDE
BATCH_RECORDS = 10_000
TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{n}.bin" for n in range(1, 6))
TEST = ("cifar-10-batches-bin/test_batch.bin",)
PICKLED = "cifar-10-batches-py"
NAME = "cifar-10-binary.tar.gz"


def load(*, path: str | None, url: str, digest: str) -> Source:
    """Return the training images as `examples`, and the publisher's test images.

    Args:
        path: The archive, packed as published; None to download it.
        url: Where it is downloaded from, and kept for next time.
        digest: The SHA-256 that the archive must have.

    Raises:
        Refusal: The archive is missing, damaged, pickled or another one, or
            cannot be downloaded.
    """
    if path is None:
        file = fetch(url, downloads_folder() / "cifar10" / NAME, "dataset.source.path=FILE")
        place = f"{file} (remove it to download it again)"
    else:
        file = file_at(path, f"the archive {NAME}, packed as published,")
        place = shown(file)
    batches = _batches(file, url)
    check_found(_file_digest(file), digest, place)
    images, labels = _decoded(batches, TRAIN, file)
    test_images, test_labels = _decoded(batches, TEST, file)
    return Source(
        examples=images,
        targets=labels,
        labels=CLASSES,
        test_examples=test_images,
        test_targets=test_labels,
        scale=1 / 255,
        source="CIFAR-10 (A. Krizhevsky), 50,000 and 10,000 images",
        license="not stated by its publisher",
    )


def _batches(file: Path, url: str) -> dict[str, bytes]:
    """Return the batches by name, as far as they are there; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(file, "r:gz") as archive:
            for member in archive:
                check_inside(member.name, file)
                if PICKLED in Path(member.name).parts:
                    raise _pickled(file, url)
                if member.name not in TRAIN + TEST:
                    continue
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None or member.size > BATCH_RECORDS * RECORD_BYTES:
                    raise Refusal(
                        f"{shown(file)}: {member.name} is no batch of images; "
                        f"fetch it again from {url}"
                    )
                found[member.name] = stream.read()
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError):
        if _starts_like_a_pickle(file):
            raise _pickled(file, url) from None
        raise Refusal(
            f"{shown(file)}: is truncated, damaged or no .tar.gz archive; fetch it again from {url}"
        ) from None
    except OSError as error:
        raise unreadable(file, error) from None
    return found


def _pickled(file: Path, url: str) -> Refusal:
    return Refusal(
        f"{shown(file)}: is the pickled version, and pickles are never loaded; "
        f"fetch the binary version, {NAME}, from {url}"
    )


def _starts_like_a_pickle(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(1) == b"\x80"


def _file_digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(file, error) from None


def _decoded(
    batches: dict[str, bytes], names: Sequence[str], file: Path
) -> tuple[NDArray[np.uint8], Integers]:
    for name in names:
        if name not in batches:
            raise Refusal(f"{shown(file)}: holds no {name}; fetch it again")
        if len(batches[name]) % RECORD_BYTES:
            raise Refusal(f"{shown(file)}: {name} ends within an image; fetch it again")
    records = np.frombuffer(b"".join(batches[name] for name in names), np.uint8)
    records = records.reshape(-1, RECORD_BYTES)
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), records[:, 0].astype(np.int64)
