"""Prepared datasets on disk: written whole, opened checked and read-only.

A dataset's folder holds {train,validation,test}_{images,labels}.npy and
manifest.json. Nothing in it depends on the clock or the machine, so preparing
twice gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pipeline.content import content_digest
from pipeline.data.digest import array_digest
from pipeline.data.source import Images, Labels, Source
from pipeline.data.split import stratified
from pipeline.errors import Refusal
from pipeline.records import Dataset, Manifest

SPLITS = ("train", "validation", "test")
AGAIN = "run prepare again"


def write(source: Source, dataset: Dataset, name: str, folder: Path) -> Manifest:
    """Split a source and write it to `folder`, which it replaces as a whole.

    Args:
        source: The images and labels, as published.
        dataset: The splits' sizes, and the seed that draws them.
        name: The dataset's name in conf/dataset.
        folder: Where the arrays go; a neighbour called .NAME.partial is used meanwhile.

    Raises:
        Refusal: The source cannot be split as asked.
    """
    splits = _splits(source, dataset, f"dataset {name}")
    digests = {
        f"{split}_{kind}": array_digest(array)
        for split, pair in splits.items()
        for kind, array in zip(("images", "labels"), pair, strict=True)
    }
    manifest = Manifest(
        name=name,
        source=source.source,
        license=source.license,
        scale=source.scale,
        classes=source.classes,
        shape=source.images.shape[1:],
        examples={split: len(labels) for split, (_, labels) in splits.items()},
        class_counts={
            split: tuple(np.bincount(labels, minlength=len(source.classes)).tolist())
            for split, (_, labels) in splits.items()
        },
        digests=digests,
        digest=_overall(digests, source.scale),
    )
    partial = folder.with_name(f".{folder.name}.partial")
    _remove(partial)
    try:
        partial.mkdir(parents=True)
        for split, (images, labels) in splits.items():
            np.save(_file(partial, f"{split}_images"), images, allow_pickle=False)
            np.save(_file(partial, f"{split}_labels"), labels, allow_pickle=False)
        text = json.dumps(manifest.plain(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (partial / "manifest.json").write_text(text, encoding="utf-8")
        _remove(folder)
        partial.rename(folder)
    finally:
        _remove(partial)
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


def open_split(folder: Path, split: str) -> tuple[Images, Labels]:
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


def _splits(source: Source, dataset: Dataset, place: str) -> dict[str, tuple[Images, Labels]]:
    counts = {"train": dataset.train, "validation": dataset.validation}
    if dataset.test != "publisher":
        counts["test"] = dataset.test
    generator = np.random.default_rng(dataset.seed)
    chosen = stratified(source.labels, counts, source.classes, generator, place)
    splits = {split: (source.images[i], source.labels[i]) for split, i in chosen.items()}
    if dataset.test == "publisher":
        if source.test_images is None or source.test_labels is None:
            raise Refusal(
                f"{place}: test is 'publisher', but {source.source} brings no test split; "
                "give dataset.test a number"
            )
        order = generator.permutation(len(source.test_labels))
        splits["test"] = (source.test_images[order], source.test_labels[order])
    return splits


def _overall(digests: Mapping[str, str], scale: float) -> str:
    """Return the digest over all that decides the digits of a trial."""
    return content_digest({"arrays": dict(digests), "scale": scale})


def _file(folder: Path, array: str) -> Path:
    return folder / f"{array}.npy"


def _checked(folder: Path, array: str, digests: Mapping[str, str]) -> NDArray[Any]:
    file = _file(folder, array)
    try:
        found: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise Refusal(f"{file}: is missing; {AGAIN}") from None
    except (OSError, EOFError, ValueError, tokenize.TokenError):  # the last from a header
        raise Refusal(f"{file}: is truncated or damaged; {AGAIN}") from None
    if array_digest(found) != digests.get(array):
        raise Refusal(f"{file}: was edited since it was prepared; {AGAIN}")
    return found


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
