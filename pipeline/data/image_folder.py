"""A folder of pictures of one's own, one folder per class: decoded one by one, never all at once.

PATH/CLASS/PICTURE or PATH/train/CLASS/PICTURE; PATH/val/CLASS/PICTURE and
PATH/test/CLASS/PICTURE are the publisher's validation and test splits, if they are there.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.paths import folder_at, one_form, shown, unreadable
from pipeline.data.pictures import COLORS, GROUNDS, decoded, quiet_decoders
from pipeline.data.source import Integers, Source
from pipeline.errors import Refusal, nearest

DUE = "a folder with one folder of pictures per class"
LEFT_BEHIND = ("Thumbs.db", "desktop.ini")  # by file browsers; hidden files are passed over too
VALIDATION = ("val", "valid", "validation")  # what people call that split's folder
NAMED = 5  # undecodable pictures that a line names
THREADS = min(4, os.cpu_count() or 1)  # each holds a picture in its own size


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images that are decoded when they are asked for.

    Attributes:
        files: One per image.
        size: Height and width that each is brought to.
        color: A key of COLORS.
        ground: A key of GROUNDS.
    """

    files: Sequence[str]
    size: tuple[int, int]
    color: str
    ground: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole, (n, h, w, c)."""
        return (len(self.files), *self.size, COLORS[self.color].channels)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bytes."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """Return the images with these indices.

        Raises:
            Refusal: One cannot be decoded; the line names others that can't be either.
        """
        images = np.empty((len(chosen), *self.shape[1:]), np.uint8)

        def fill(row: int) -> str | None:
            found = self._decoded(int(chosen[row]))
            if isinstance(found, str):
                return found
            images[row] = found
            return None

        with quiet_decoders(), ThreadPoolExecutor(THREADS) as pool:
            if any(pool.map(fill, range(len(chosen)))):
                raise self._undecodable(pool)
        return images

    def _decoded(self, index: int) -> NDArray[np.uint8] | str:
        """Return an image, or what is wrong with its file."""
        try:
            return decoded(Path(self.files[index]), self.size, self.color, self.ground)
        except ValueError as error:
            return f"{shown(self.files[index])} ({error})"

    def _undecodable(self, pool: ThreadPoolExecutor) -> Refusal:
        """Look through all files, so that they can be mended at one go."""
        found = pool.map(self._decoded, range(len(self.files)))
        wrong = [each for each in found if isinstance(each, str)]
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        return Refusal(
            f"{', '.join(wrong[:NAMED])}{more}: cannot be decoded; repair or remove what is named"
        )


def load(
    *,
    path: str | None,
    size: Sequence[int],
    color: str,
    ground: str,
    license: str,  # noqa: A002
) -> Source:
    """Return the folder's pictures, classes and pictures in the order of their names.

    Args:
        path: The folder; what lies beside the class folders is passed over.
        size: Height and width that each picture is brought to, whatever its own.
        color: `gray` or `rgb`.
        ground: `white` or `black`: what shows through where a picture is transparent.
        license: The terms they are under, for the report.

    Raises:
        Refusal: The folder or one of the arguments is not of this form.
    """
    folder = folder_at(path, DUE)
    sides = _sides(size)
    for name, given, known in (("color", color, COLORS), ("ground", ground, GROUNDS)):
        if given not in known:
            raise Refusal(f"dataset.source.{name}: is {given!r}{nearest(str(given), known)}")
    train, classes, published = _layout(folder)
    images, positions = _pictures([train / name for name in classes], sides, color, ground)
    labels = tuple(one_form(name) for name in classes)
    found: dict[str, Any] = {"test_examples": None, "test_targets": None}
    for split, place in published.items():
        named = [place / name for name in _classes(place)]
        for each in named:
            if one_form(each.name) not in labels:
                raise Refusal(
                    f"{shown(each)}: is no class of the training pictures"
                    f"{nearest(each.name, labels)}; rename or remove it"
                )
        found[f"{split}_examples"], own = _pictures(named, sides, color, ground)
        targets = np.array([labels.index(one_form(each.name)) for each in named])
        found[f"{split}_targets"] = targets[own]
    return Source(
        examples=images,
        targets=positions,
        labels=labels,
        scale=1 / 255,
        source=f"image folder {shown(folder.resolve().name)}",
        license=str(license),
        ground=ground,
        **found,
    )


def _sides(size: object) -> tuple[int, int]:
    if (
        not isinstance(size, Sequence)
        or len(size) != 2
        or not all(type(side) is int and side >= 1 for side in size)
    ):
        raise Refusal(
            "dataset.source.size: must be [height, width], two whole numbers from 1, "
            f"got {list(size) if isinstance(size, tuple) else size!r}"
        )
    return int(size[0]), int(size[1])


def _layout(folder: Path) -> tuple[Path, list[str], dict[str, Path]]:
    """Return the folder of the training classes, their names, and the publisher's other splits.

    `train` and `test` are splits if folders lie in them, and so is `val` beside `train`; else
    they are classes.
    """
    names = _classes(folder)
    inside = {name for name in names if any(_folders(folder / name))}
    published = {"test": folder / "test"} if "test" in inside else {}
    if "train" not in inside:
        return folder, [name for name in names if name not in published], published
    called = [name for name in names if name in inside and name in VALIDATION]
    if len(called) > 1:
        raise Refusal(
            f"{shown(folder / called[1])}: lies beside {called[0]}, which is the validation split; "
            "move the pictures of both into one"
        )
    if called:
        published["validation"] = folder / called[0]
    beside = [name for name in names if name not in {"train", *called, *published}]
    if beside:
        raise Refusal(
            f"{shown(folder / beside[0])}: lies beside train, whose folders are the classes; "
            "move it there if it is a class, or elsewhere; other splits are called val and test"
        )
    return folder / "train", _classes(folder / "train"), published


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, in the order of names, without what nobody put there."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                (each for each in found if not each.name.startswith(".")),
                key=lambda each: (one_form(each.name), each.name),
            )
    except OSError as error:
        raise unreadable(folder, error) from None


def _folders(folder: Path) -> Iterator[str]:
    return (each.name for each in _entries(folder) if _is_folder(each))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # a link in a circle, or into a folder that is closed to us
        raise unreadable(Path(entry.path), error) from None


def _classes(folder: Path) -> list[str]:
    classes = list(_folders(folder))
    if not classes:
        raise Refusal(
            f"{shown(folder)}: holds no folders; put each class's pictures into a folder "
            "named like the class"
        )
    for name in classes:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise Refusal(
                f"{shown(folder / name)}: this class's name is not UTF-8; rename the folder"
            ) from None
    for first, second in itertools.pairwise(classes):
        if one_form(first) == one_form(second):
            raise Refusal(
                f"{shown(folder / first)}: is there twice, in two Unicode forms that look alike; "
                "move the pictures of both into one"
            )
    return classes


def _pictures(
    folders: Sequence[Path], size: tuple[int, int], color: str, ground: str
) -> tuple[Pictures, Integers]:
    """Return what the folders hold, and for each picture the position of its folder."""
    files = [
        [_picture(each) for each in _entries(folder) if each.name not in LEFT_BEHIND]
        for folder in folders
    ]
    counts = [len(each) for each in files]
    if not sum(counts):
        raise Refusal(f"{shown(folders[0].parent)}: its folders hold no pictures; put some there")
    if 0 in counts:
        raise Refusal(
            f"{shown(folders[counts.index(0)])}: this class's folder holds no picture; put some "
            "there, or remove the folder"
        )
    positions = np.repeat(np.arange(len(folders), dtype=np.int64), counts)
    return Pictures([file for each in files for file in each], size, color, ground), positions


def _picture(entry: os.DirEntry[str]) -> str:
    if _is_folder(entry):
        raise Refusal(
            f"{shown(entry.path)}: is a folder inside a class; move its pictures one level up"
        )
    if not entry.is_file():
        raise Refusal(f"{shown(entry.path)}: is no file, or a link to nothing; remove it")
    return entry.path
