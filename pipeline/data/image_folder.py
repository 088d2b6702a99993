"""A folder of pictures of one's own, one folder per class: decoded one by one, never all at once.

PATH/CLASS/PICTURE or PATH/train/CLASS/PICTURE; and PATH/test/CLASS/PICTURE is
the publisher's test split, if there is one.
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
from pipeline.data.pictures import COLORS, decoded, quiet_decoders
from pipeline.data.source import Integers, Source
from pipeline.errors import Refusal, nearest

DUE = "a folder with one folder of pictures per class"
LEFT_BEHIND = ("Thumbs.db", "desktop.ini")  # by file browsers; hidden files are passed over too
NAMED = 5  # undecodable pictures that a line names
THREADS = min(4, os.cpu_count() or 1)  # each holds a picture in its own size


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images that are decoded when they are asked for.

    Attributes:
        files: One per image.
        size: Height and width that each is brought to.
        color: A key of COLORS.
    """

    files: Sequence[str]
    size: tuple[int, int]
    color: str

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
            return decoded(Path(self.files[index]), self.size, self.color)
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


def load(*, path: str | None, size: Sequence[int], color: str, license: str) -> Source:  # noqa: A002
    """Return the folder's pictures, classes and pictures in the order of their names.

    Args:
        path: The folder; what lies beside the class folders is passed over.
        size: Height and width that each picture is brought to, whatever its own.
        color: `gray` or `rgb`.
        license: The terms they are under, for the report.

    Raises:
        Refusal: The folder or one of the arguments is not of this form.
    """
    folder = folder_at(path, DUE)
    sides = _sides(size)
    if color not in COLORS:
        raise Refusal(f"dataset.source.color: is {color!r}{nearest(str(color), COLORS)}")
    train, classes, test = _layout(folder)
    images, positions = _pictures([train / name for name in classes], sides, color)
    labels = tuple(one_form(name) for name in classes)
    test_examples, test_targets = None, None
    if test is not None:
        named = [test / name for name in _classes(test)]
        for each in named:
            if one_form(each.name) not in labels:
                raise Refusal(
                    f"{shown(each)}: is no class of the training pictures"
                    f"{nearest(each.name, labels)}; rename or remove it"
                )
        test_examples, own = _pictures(named, sides, color)
        test_targets = np.array([labels.index(one_form(each.name)) for each in named])[own]
    return Source(
        examples=images,
        targets=positions,
        labels=labels,
        test_examples=test_examples,
        test_targets=test_targets,
        scale=1 / 255,
        source=f"image folder {shown(folder.resolve().name)}",
        license=str(license),
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


def _layout(folder: Path) -> tuple[Path, list[str], Path | None]:
    """Return the folder of the training classes, their names, and the folder of the test classes.

    `train` and `test` are splits if folders lie in them; else they are classes.
    """
    names = _classes(folder)
    splits = [name for name in ("train", "test") if name in names and any(_folders(folder / name))]
    beside = [name for name in names if name not in splits]
    test = folder / "test" if "test" in splits else None
    if "train" not in splits:
        return folder, beside, test
    if beside:
        raise Refusal(
            f"{shown(folder / beside[0])}: lies beside train, whose folders are the classes; "
            "move it there, or elsewhere"
        )
    return folder / "train", _classes(folder / "train"), test


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
    folders: Sequence[Path], size: tuple[int, int], color: str
) -> tuple[Pictures, Integers]:
    """Return what the folders hold, and for each picture the position of its folder."""
    files = [
        [_picture(each) for each in _entries(folder) if each.name not in LEFT_BEHIND]
        for folder in folders
    ]
    counts = [len(each) for each in files]
    if not sum(counts):
        raise Refusal(f"{shown(folders[0].parent)}: its folders hold no pictures; put some there")
    positions = np.repeat(np.arange(len(folders), dtype=np.int64), counts)
    return Pictures([file for each in files for file in each], size, color), positions


def _picture(entry: os.DirEntry[str]) -> str:
    if _is_folder(entry):
        raise Refusal(
            f"{shown(entry.path)}: is a folder inside a class; move its pictures one level up"
        )
    if not entry.is_file():
        raise Refusal(f"{shown(entry.path)}: is no file, or a link to nothing; remove it")
    return entry.path
