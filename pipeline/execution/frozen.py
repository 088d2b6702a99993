"""The code that a sweep was started with, kept for workers that start hours later.

A job waits in a queue while its checkout changes. So the sweep copies this package, and the user's
own modules that its trials name, and its jobs import the copies.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from sysconfig import get_paths

from pipeline import modules
from pipeline.errors import Refusal

LIBRARIES = {Path(get_paths()[name]) for name in ("stdlib", "purelib", "platlib")}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git")


def freeze(folder: Path, named: Iterable[str]) -> list[str]:
    """Copy the code of a sweep's trials, and return the packages and modules that were copied.

    Args:
        folder: Where they go: first on the path of whoever is to use them.
        named: Modules of the user's own, by dotted names. What is installed is left where it is;
            a package is copied whole, for its modules import each other.

    Raises:
        Refusal: A file cannot be read or written.
    """
    copied: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for top in dict.fromkeys(name.partition(".")[0] for name in ("pipeline", *named)):
            for place in modules.places(top):
                if not any(place.is_relative_to(library) for library in LIBRARIES):
                    _copy(place, folder / place.name)
                    copied.append(top)
    except (OSError, shutil.Error) as error:
        raise Refusal(f"{folder}: the code of this sweep cannot be copied: {error}") from error
    return list(dict.fromkeys(copied))


def _copy(place: Path, target: Path) -> None:
    if place.is_dir():
        shutil.copytree(place, target, ignore=LEFT_OUT, dirs_exist_ok=True)
    else:
        shutil.copyfile(place, target)
