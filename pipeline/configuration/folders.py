"""Where files of conf/ are looked for: in the user's folder, then among those that ship.

A folder with every root file stands by itself, as a checkout's conf/ does; any other one adds to
what ships with this package, and its files have the first word.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.moment import once

PACKAGE = Path(__file__).parents[1]
# within the package once it is installed, beside it in a checkout
SHIPPED = next(
    (each for each in (PACKAGE / "conf", PACKAGE.parent / "conf") if each.is_dir()), None
)
ROOTS = tuple(file.name for file in SHIPPED.glob("*.yaml")) if SHIPPED else ()


@once
def folders(conf: Path) -> list[Path]:
    """Return the folders that are looked through for a file of `conf`, in turn."""
    stands_alone = all((conf / root).is_file() for root in ROOTS)
    asked = [conf] if SHIPPED is None or stands_alone else [conf, SHIPPED]
    return [folder for folder in asked if folder.is_dir()]


@once
def found(conf: Path, *names: str) -> Path:
    """Return where a file of `conf` lies; where there is none, where the user's own would."""
    places = [folder.joinpath(*names) for folder in folders(conf)]
    return next((file for file in places if file.is_file()), conf.joinpath(*names))


def within(conf: Path, file: Path) -> Path:
    """Return a file's place within the folder of `conf` in which it lies."""
    return next(file.relative_to(each) for each in folders(conf) if file.is_relative_to(each))


@once
def groups(conf: Path) -> frozenset[str]:
    """Return what the groups of `conf` are called."""
    below = (each for folder in folders(conf) for each in folder.iterdir())
    return frozenset(each.name for each in below if each.is_dir())


@once
def names(conf: Path, group: str) -> list[str]:
    """Return what a group's files are called, sorted."""
    files = (file for folder in folders(conf) for file in (folder / group).glob("*.yaml"))
    return sorted({file.stem for file in files if file.is_file()})


def every(conf: Path) -> Iterator[Path]:
    """Yield every file that is looked at, the user's first."""
    for folder in folders(conf):
        yield from sorted(folder.rglob("*.yaml"))
