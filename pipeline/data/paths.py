"""Paths that a user gave: there, readable, and of the kind that is due, or refused by name."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path

from pipeline.errors import Refusal

KEY = "dataset.source.path"


def named(path: object, due: str, key: str = KEY) -> Path:
    """Return the path that was given, with `~` as the home folder.

    Args:
        path: The argument as it stands in the configuration.
        due: What it must name, for the message: `an .npz archive`.
        key: The argument's place in the configuration.

    Raises:
        Refusal: It is absent, or no path.
    """
    if path is None or path == "":
        raise Refusal(f"{key}: names nothing; add {key}=PATH to name {due}")
    if not isinstance(path, str) or "\0" in path:
        raise Refusal(f"{key}: must be the path of {due}, got {path!r}")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # ~ of a user whom nobody knows
        raise Refusal(f"{key}: {path!r}: {error}; write the path in full") from None


def is_there(place: Path) -> bool:
    """Tell whether there is a file or folder that we may see."""
    try:
        place.stat()
    except (OSError, ValueError):
        return False
    return True


def is_folder(place: Path) -> bool:
    """Tell a folder from a file.

    Raises:
        Refusal: There is neither, or it can't be seen.
    """
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise Refusal(f"{shown(place)}: does not exist; correct the path") from None
    except (OSError, ValueError) as error:
        raise unreadable(place, error) from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise Refusal(f"{shown(place)}: is neither a file nor a folder; correct the path")
    return stat.S_ISDIR(mode)


def file_at(path: object, due: str) -> Path:
    """Return the file that was named.

    Raises:
        Refusal: It is absent, missing, out of sight, or a folder.
    """
    file = named(path, due)
    if is_folder(file):
        raise Refusal(f"{shown(file)}: is a folder; name {due} itself")
    return file


def folder_at(path: object, due: str) -> Path:
    """Return the folder that was named.

    Raises:
        Refusal: It is absent, missing, out of sight, or a file.
    """
    folder = named(path, due)
    if not is_folder(folder):
        raise Refusal(
            f"{shown(folder)}: is a file, not a folder; name {due}, and unpack it if it is packed"
        )
    return folder


def unreadable(place: Path, error: Exception) -> Refusal:
    """Return the refusal of what the operating system won't let us read."""
    reason = getattr(error, "strerror", None) or error
    return Refusal(f"{shown(place)}: cannot be read: {reason}; correct the path or its permissions")


def shown(place: object) -> str:
    """Return a path for a message: as it is where it can be printed, else escaped."""
    text = str(place)
    return text if text.isprintable() else ascii(text)


def one_form(name: str) -> str:
    """Return a name in one Unicode form (NFC), whoever wrote it: a Mac decomposes accents."""
    return unicodedata.normalize("NFC", name)
