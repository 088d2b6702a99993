"""A user's .npz archive, read without unpickling anything."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.paths import shown, unreadable
from pipeline.errors import Refusal, nearest

AGAIN = "remove it and fetch it again"
DAMAGE = (  # RuntimeError when encrypted or compressed in an unknown way, ValueError from a name
    *(zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error),
    *(RuntimeError, ValueError, OverflowError),
)


def read_npz(file: Path, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays stored under `keys`.

    Raises:
        Refusal: The file is missing, truncated, damaged or of another kind, a
            key is missing, or an array is pickled or larger than memory.
    """
    with opened_npz(file, keys):
        pass
    with refusing_damage(file), np.load(file, allow_pickle=False) as archive:
        return {key: _member(archive, key, file) for key in keys}


@contextmanager
def opened_npz(file: Path, keys: Sequence[str]) -> Iterator[zipfile.ZipFile]:
    """Enter with the archive, which has an array file under each of `keys`.

    Raises:
        Refusal: As for `read_npz`, as far as it can be told from its directory.
    """
    with refusing_damage(file), file.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise Refusal(f"{shown(file)}: is truncated or not an .npz archive; {AGAIN}")
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            for name in names:
                check_inside(name, file)
            arrays = [name.removesuffix(".npy") for name in names]
            for key in keys:
                if key not in arrays:
                    raise Refusal(f"{shown(file)}: holds no array {key!r}{nearest(key, arrays)}")
            yield archive


@contextmanager
def refusing_damage(file: Path) -> Iterator[None]:
    """Turn what a missing or damaged archive raises into the line about it."""
    try:
        yield
    except FileNotFoundError:
        raise Refusal(f"{shown(file)}: does not exist; correct the path") from None
    except IsADirectoryError:
        raise Refusal(f"{shown(file)}: is a folder; name an .npz archive itself") from None
    except DAMAGE:
        raise Refusal(f"{shown(file)}: the archive is damaged or encrypted; {AGAIN}") from None
    except OSError as error:
        raise unreadable(file, error) from None


def check_inside(name: str, file: Path) -> None:
    """Refuse an archive with a path that leads out of it: nobody means well with that.

    Raises:
        Refusal: It does.
    """
    path = PureWindowsPath(name)  # which knows both slashes, and drives
    if path.root or ".." in path.parts:
        raise Refusal(
            f"{shown(file)}: holds the path {name!r}, which leads outside; "
            "do not trust it, and fetch another"
        )


def _member(archive: Any, key: str, file: Path) -> NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except (ValueError, TypeError, OverflowError, SyntaxError, tokenize.TokenError) as error:
        if "Object arrays" in str(error):
            raise Refusal(
                f"{shown(file)}: array {key!r} is pickled, and pickles are never loaded; "
                "save it as plain numbers"
            ) from None
        raise Refusal(
            f"{shown(file)}: array {key!r} is damaged; remove the archive and fetch it again"
        ) from None
    except MemoryError:
        raise Refusal(
            f"{shown(file)}: array {key!r} does not fit into memory; save fewer or smaller examples"
        ) from None
