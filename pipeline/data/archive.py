"""A user's .npz archive, read without unpickling anything."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal, nearest


def read_npz(file: Path, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays stored under `keys`.

    Raises:
        Refusal: The file is missing, truncated, damaged or of another kind, a
            key is missing, or an array is pickled.
    """
    try:
        with file.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise Refusal(
                    f"{file}: is truncated or not an .npz archive; remove it and fetch it again"
                )
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as archive:
                for key in keys:
                    if key not in archive:
                        raise Refusal(f"{file}: holds no array {key!r}{nearest(key, archive)}")
                return {key: _member(archive, key, file) for key in keys}
    except FileNotFoundError:
        raise Refusal(f"{file}: does not exist; correct the path") from None
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError):  # the last when encrypted
        raise Refusal(
            f"{file}: the archive is damaged or encrypted; remove it and fetch it again"
        ) from None
    except OSError as error:
        raise Refusal(f"{file}: cannot be read: {error.strerror or error}") from None


def _member(archive: Any, key: str, file: Path) -> NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except (ValueError, tokenize.TokenError) as error:
        if "Object arrays" in str(error):
            raise Refusal(
                f"{file}: array {key!r} is pickled, and pickles are never loaded; "
                "save it as plain numbers"
            ) from None
        raise Refusal(
            f"{file}: array {key!r} is damaged; remove the archive and fetch it again"
        ) from None
