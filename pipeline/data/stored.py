"""Examples of an archive that are larger than memory: unpacked to disk, read when asked for."""

from __future__ import annotations

import contextlib
import errno
import math
import shutil
import tempfile
import tokenize
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.archive import opened_npz
from pipeline.data.paths import shown, unreadable
from pipeline.errors import Refusal

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
Form = Callable[[tuple[int, ...], np.dtype[Any]], tuple[tuple[int, ...], np.dtype[Any]]]


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows of an array in C order, in a file, read when they are asked for.

    Read, not mapped: mapped pages count as the process's memory.

    Attributes:
        file: The user's archive, for the messages.
        stream: The array's bytes; the file has no name, and vanishes with this object.
        stored: How they are stored.
        shape: Shape of the whole; a row may be given another than it was stored with.
        dtype: What a row's values are turned into.
    """

    file: Path
    stream: IO[bytes]
    stored: np.dtype[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        """Close the file when nobody asks for rows any more."""
        weakref.finalize(self, self.stream.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[Any]:
        """Return the rows with these indices.

        Raises:
            Refusal: The disk does not give them back.
        """
        count = math.prod(self.shape[1:])
        rows = np.empty((len(chosen), count), self.stored)
        try:
            for row, index in zip(rows, chosen, strict=True):
                self.stream.seek(int(index) * row.nbytes)
                row[:] = np.frombuffer(self.stream.read(row.nbytes), self.stored)
        except OSError as error:
            raise unreadable(self.file, error) from None
        with np.errstate(over="ignore"):  # an infinity is refused by whoever asked
            return rows.reshape(len(chosen), *self.shape[1:]).astype(self.dtype, copy=False)


def unpacked(file: Path, key: str, form: Form) -> Stored | None:
    """Return an array of an .npz archive as rows on disk.

    Args:
        file: The archive.
        key: The array's name.
        form: Turns the array's shape and dtype into those its rows are wanted in.

    Returns:
        The array; or None if it is not plain numbers in C order, so that only
        reading it as a whole can tell what it is.

    Raises:
        Refusal: The archive is missing or damaged, has no such array, or there
            is no room for it; or `form` refuses it.
    """
    with opened_npz(file, [key]) as archive:
        name = f"{key}.npy" if f"{key}.npy" in archive.namelist() else key
        with archive.open(name) as member:
            try:
                read_header = HEADERS[np.lib.format.read_magic(member)]
                shape, is_fortran, stored = read_header(member)
            except (ValueError, TypeError, LookupError, SyntaxError, tokenize.TokenError):
                return None
            is_plain = all(type(length) is int and length >= 0 for length in shape)  # not True
            if is_fortran or stored.hasobject or not is_plain:
                return None
            wanted = form(shape, stored)
            return Stored(file, _spilled(member, file, key, shape, stored), stored, *wanted)


def _spilled(
    member: IO[bytes], file: Path, key: str, shape: tuple[int, ...], stored: np.dtype[Any]
) -> IO[bytes]:
    """Return an unnamed file in $TMPDIR with the rest of the member: the array's bytes."""
    stream = tempfile.TemporaryFile(prefix="normbench-")  # noqa: SIM115 - lives as long as its array
    try:
        shutil.copyfileobj(member, stream, 1 << 20)
        stream.flush()
        if stream.tell() != math.prod(shape) * stored.itemsize:
            raise Refusal(
                f"{shown(file)}: array {key!r} is damaged; remove the archive and fetch it again"
            )
    except BaseException as error:
        with contextlib.suppress(OSError):  # a full disk has been told already
            stream.close()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(
                f"{shown(file)}: no space left in {tempfile.gettempdir()} to unpack it; free "
                "some, or let TMPDIR name a folder with more"
            ) from None
        raise
    return stream
