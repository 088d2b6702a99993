"""One .npy file, written and checked piece by piece, so that it never has to fit into memory.

By plain reads and writes, not through a mapping: on a full disk a write fails
with an error where a mapped page ends the process, and mapped pages count as
the process's memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.digest import RunningDigest

PIECE_BYTES = 1 << 24


def write_pieces(
    file: Path, pieces: Iterable[NDArray[Any]], dtype: np.dtype[Any], shape: tuple[int, ...]
) -> str:
    """Write an array that comes in pieces, the bytes that `numpy.save` would write.

    Args:
        file: Is replaced.
        pieces: Consecutive rows.
        dtype: The array's.
        shape: The whole array's.

    Returns:
        Its `array_digest`.
    """
    stored = dtype.newbyteorder("<")
    digest = RunningDigest(stored, shape)
    with file.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": stored.str, "fortran_order": False, "shape": shape}
        )
        for piece in pieces:
            canonical = np.ascontiguousarray(piece, dtype=stored)
            digest.update(canonical)
            stream.write(canonical.data)
    return digest.hexdigest()


def stored_digest(file: Path) -> str:
    """Return the `array_digest` of the array in a file that `write_pieces` wrote.

    Whatever follows the array in the file is counted too.

    Raises:
        OSError, ValueError, EOFError, tokenize.TokenError: The file is missing,
            unreadable, truncated, or of another kind.
    """
    mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    digest = RunningDigest(mapped.dtype, mapped.shape)
    with file.open("rb") as stream:
        stream.seek(mapped.offset)
        while piece := stream.read(PIECE_BYTES):
            digest.update_bytes(piece)
    return digest.hexdigest()
