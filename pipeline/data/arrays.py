"""Prepared datasets on disk: written whole, opened checked and read-only.

A dataset's folder holds {train,validation,test}_{images,labels}.npy and
manifest.json. Nothing in it depends on the clock or the machine, so preparing
twice gives the same bytes. Images pass through memory piece by piece.
"""

from __future__ import annotations

import json
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, TaskID

from pipeline.content import content_digest
from pipeline.data.npy import PIECE_BYTES, stored_digest, write_pieces
from pipeline.data.replacing import replacing
from pipeline.data.source import Images, Labels, Source, check_finite
from pipeline.data.split import stratified
from pipeline.errors import Refusal
from pipeline.records import Dataset, Manifest

SPLITS = ("train", "validation", "test")
AGAIN = "run prepare again"


@dataclass(frozen=True, eq=False)
class Split:
    """Which of a source's images and labels make a split, in its order."""

    images: Images
    labels: Labels
    chosen: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its images."""
        return (len(self.chosen), *self.images.shape[1:])

    @property
    def byte_count(self) -> int:
        """What its images and labels take on disk."""
        return prod(self.shape) * self.images.dtype.itemsize + 8 * len(self.chosen)


def write(source: Source, dataset: Dataset, name: str, folder: Path) -> Manifest:
    """Split a source and write it to `folder`, which it replaces as a whole.

    Args:
        source: The images and labels, as published.
        dataset: The splits' sizes, and the seed that draws them.
        name: The dataset's name in conf/dataset.
        folder: Where the arrays go; a neighbour called .NAME.partial is used meanwhile.

    Raises:
        Refusal: The source cannot be split as asked, or not be written; then
            nothing is left of it, and what was in `folder` is still there.
    """
    splits = _splits(source, dataset, f"dataset {name}")
    with replacing(folder, sum(split.byte_count for split in splits.values())) as partial:
        digests = _write_arrays(splits, source.source, partial)
        manifest = Manifest(
            name=name,
            source=source.source,
            license=source.license,
            scale=source.scale,
            classes=source.classes,
            shape=source.images.shape[1:],
            examples={split: len(each.chosen) for split, each in splits.items()},
            class_counts={
                split: tuple(
                    np.bincount(each.labels[each.chosen], minlength=len(source.classes)).tolist()
                )
                for split, each in splits.items()
            },
            digests=digests,
            digest=_overall(digests, source.scale),
        )
        text = json.dumps(manifest.plain(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (partial / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return what `write` said about a dataset's folder.

    Raises:
        Refusal: It is missing, damaged or edited.
    """
    file = folder / "manifest.json"
    try:
        manifest = Manifest.parse(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Refusal(f"{file}: is missing; {AGAIN}") from None
    except (ValueError, ValidationError):
        raise Refusal(f"{file}: is damaged; {AGAIN}") from None
    if manifest.digest != _overall(manifest.digests, manifest.scale):
        raise Refusal(f"{file}: was edited; {AGAIN}")
    return manifest


def open_split(folder: Path, split: str) -> tuple[NDArray[Any], Labels]:
    """Return a split's images, memory-mapped and read-only, and its labels.

    Both are read once and checked against the manifest: 42 MB take 0.03 s.

    Raises:
        Refusal: A file is missing, truncated or edited.
    """
    digests = read_manifest(folder).digests
    images = _checked(folder, f"{split}_images", digests)
    labels = np.array(_checked(folder, f"{split}_labels", digests))
    labels.flags.writeable = False
    return images, labels


def verify(folder: Path) -> Manifest:
    """Recompute every digest of a dataset's folder, and return its manifest.

    Raises:
        Refusal: A file is missing, truncated or edited.
    """
    manifest = read_manifest(folder)
    for array in manifest.digests:
        _checked(folder, array, manifest.digests)
    return manifest


def _splits(source: Source, dataset: Dataset, place: str) -> dict[str, Split]:
    counts = {"train": dataset.train, "validation": dataset.validation}
    if dataset.test != "publisher":
        counts["test"] = dataset.test
    generator = np.random.default_rng(dataset.seed)
    chosen = stratified(source.labels, counts, source.classes, generator, place)
    splits = {split: Split(source.images, source.labels, i) for split, i in chosen.items()}
    if dataset.test == "publisher":
        if source.test_images is None or source.test_labels is None:
            raise Refusal(
                f"{place}: test is 'publisher', but {source.source} brings no test split; "
                "give dataset.test a number"
            )
        order = generator.permutation(len(source.test_labels))
        splits["test"] = Split(source.test_images, source.test_labels, order)
    return splits


def _write_arrays(splits: Mapping[str, Split], place: str, partial: Path) -> dict[str, str]:
    digests: dict[str, str] = {}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(
            "preparing images", total=sum(len(split.chosen) for split in splits.values())
        )
        for split, each in splits.items():
            images, labels = f"{split}_images", f"{split}_labels"
            digests[images] = write_pieces(
                _file(partial, images),
                _pieces(each, place, progress, task),
                each.images.dtype,
                each.shape,
            )
            digests[labels] = write_pieces(
                _file(partial, labels),
                [each.labels[each.chosen]],
                each.labels.dtype,
                each.chosen.shape,
            )
    return digests


def _pieces(split: Split, place: str, progress: Progress, task: TaskID) -> Iterator[NDArray[Any]]:
    row_bytes = prod(split.shape[1:]) * split.images.dtype.itemsize
    step = max(1, PIECE_BYTES // row_bytes)
    for start in range(0, len(split.chosen), step):
        chosen = split.chosen[start : start + step]
        piece = split.images[chosen]
        if piece.dtype != split.images.dtype or piece.shape != (len(chosen), *split.shape[1:]):
            raise Refusal(
                f"{place}: images are {split.images.dtype} {split.shape[1:]}, but some came as "
                f"{piece.dtype} {piece.shape[1:]}; its code must return what it announces"
            )
        check_finite(piece, place)
        yield piece
        progress.advance(task, len(chosen))


def _overall(digests: Mapping[str, str], scale: float) -> str:
    """Return the digest over all that decides the digits of a trial."""
    return content_digest({"arrays": dict(digests), "scale": scale})


def _file(folder: Path, array: str) -> Path:
    return folder / f"{array}.npy"


def _checked(folder: Path, array: str, digests: Mapping[str, str]) -> NDArray[Any]:
    file = _file(folder, array)
    try:
        found: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
        digest = stored_digest(file)
    except FileNotFoundError:
        raise Refusal(f"{file}: is missing; {AGAIN}") from None
    except (OSError, EOFError, ValueError, tokenize.TokenError):  # the last from a header
        raise Refusal(f"{file}: is truncated or damaged; {AGAIN}") from None
    if digest != digests.get(array):
        raise Refusal(f"{file}: was edited since it was prepared; {AGAIN}")
    return found
