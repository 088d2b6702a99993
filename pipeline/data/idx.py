"""The idx format of MNIST's publishers: four files, gzipped or not.

Big-endian: two zero bytes, a type (8: unsigned bytes), the number of axes, each
axis's length in four bytes, and the elements.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.paths import unreadable
from pipeline.errors import Refusal

GZIP = b"\x1f\x8b"
UNSIGNED_BYTES = 8
MOST_AXES = 4  # count, height, width, channels
STEMS = {  # array: the published file's name, without its ending
    "x_train": "train-images",
    "y_train": "train-labels",
    "x_test": "t10k-images",
    "y_test": "t10k-labels",
}


def read_idx_folder(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a folder with the four published files, named as in STEMS.

    Raises:
        Refusal: A file is missing or damaged.
    """
    return {array: read_idx(_find(folder, stem)) for array, stem in STEMS.items()}


def read_idx(file: Path) -> NDArray[np.uint8]:
    """Return the array of one idx file of unsigned bytes.

    Raises:
        Refusal: The file is truncated, or not of this format.
    """
    try:
        content = file.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Refusal(f"{file}: the gzip archive is truncated or damaged; fetch it again") from None
    except OSError as error:
        raise unreadable(file, error) from None
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTES]):
        raise Refusal(f"{file}: is not an idx file of unsigned bytes; fetch it again")
    if content[3] > MOST_AXES:
        raise Refusal(
            f"{file}: says that it has {content[3]} axes, but images have 3 and labels have 1; "
            "fetch it again"
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise Refusal(f"{file}: is truncated within its header; fetch it again")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise Refusal(
            f"{file}: is truncated or too long: {len(content) - start} bytes for "
            f"shape {shape}; fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def published_name(stem: str, dot: str = "-") -> str:
    """Return the name of a file of STEMS, unpacked: `train-images-idx3-ubyte`."""
    return f"{stem}{dot}idx{3 if stem.endswith('images') else 1}-ubyte"


def _find(folder: Path, stem: str) -> Path:
    names = [published_name(stem, dot) + gz for dot in "-." for gz in ("", ".gz")]
    try:
        for name in names:
            if (folder / name).is_file():
                return folder / name
    except OSError as error:
        raise unreadable(folder, error) from None
    raise Refusal(f"{folder}: holds no {names[0]} (nor {', '.join(names[1:])}); put it there")
