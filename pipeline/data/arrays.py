"""Prepared datasets on disk: written whole, opened checked and read-only.

A dataset's folder holds manifest.json, {train,validation,test}_targets.npy, and
beside each of these its examples: SPLIT_images.npy where they are pictures, else
SPLIT_examples.npy. Nothing in it depends on the clock or the machine, so preparing
twice gives the same bytes. Examples pass through memory piece by piece.
"""

from __future__ import annotations

import json
import logging
import math
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, TaskID

from pipeline.content import content_digest
from pipeline.data.npy import PIECE_BYTES, stored_digest, write_pieces
from pipeline.data.paths import unreadable
from pipeline.data.replacing import replacing
from pipeline.data.source import Examples, Integers, Source, Targets, check_finite
from pipeline.data.split import shuffled, stratified
from pipeline.data.twins import Twins
from pipeline.errors import Refusal
from pipeline.records import Inputs, Manifest
from pipeline.studies import Dataset

SPLITS = ("train", "validation", "test")
AGAIN = "run prepare again"
HEADER = (ValueError, TypeError, OverflowError, SyntaxError, tokenize.TokenError)  # a damaged one's
log = logging.getLogger("normbench")


@dataclass(frozen=True, eq=False)
class Split:
    """Which of a source's examples and targets make a split, in its order."""

    examples: Examples
    targets: Targets
    chosen: Integers

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its examples."""
        return (len(self.chosen), *self.examples.shape[1:])

    @property
    def own_targets(self) -> Targets:
        """Its targets, in its order: int64 (n,), or float32 (n, k)."""
        found = self.targets[self.chosen]
        return found if found.dtype == np.int64 else found.reshape(len(found), -1)

    @property
    def byte_count(self) -> int:
        """What its examples and targets take on disk."""
        return math.prod(self.shape) * self.examples.dtype.itemsize + self.own_targets.nbytes


def write(source: Source, dataset: Dataset, name: str, folder: Path) -> Manifest:
    """Split a source and write it to `folder`, which it replaces as a whole.

    Args:
        source: The examples and targets, as published.
        dataset: The splits' sizes, and the seed that draws them.
        name: The dataset's name in conf/dataset.
        folder: Where the arrays go; a neighbour called .NAME.partial is used meanwhile.

    Raises:
        Refusal: The source cannot be split as asked, or not be written; then
            nothing is left of it, and what was in `folder` is still there.
    """
    place = f"dataset {name}"
    source, splits = _split(source, dataset, place)
    spread = {} if source.labels else _spread(splits, place)
    with replacing(folder, sum(split.byte_count for split in splits.values())) as partial:
        twins = Twins()
        digests = _write_arrays(splits, source.source, partial, twins)
        manifest = Manifest(
            name=name,
            source=source.source,
            license=source.license,
            scale=source.scale,
            labels=source.labels,
            outputs=len(source.labels) or math.prod(source.targets.shape[1:]),
            shape=source.examples.shape[1:],
            inputs=Inputs(
                dtype="uint8" if source.examples.dtype == np.uint8 else "float32",
                ground=source.ground,
                columns=source.columns,
                unit=source.unit,
            ),
            examples={split: len(each.chosen) for split, each in splits.items()},
            label_counts=_label_counts(splits, len(source.labels)) if source.labels else {},
            spread=spread,
            digests=digests,
            digest=_overall(digests, source.scale),
        )
        write_manifest(partial / "manifest.json", manifest)
    if found := twins.across():
        log.warning("%s: %s", place, found)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return what `write` said about a dataset's folder.

    Raises:
        Refusal: It is missing, damaged or edited.
    """
    return manifest_at(folder / "manifest.json", AGAIN)


def manifest_at(file: Path, way_out: str) -> Manifest:
    """Return the manifest that a file holds; a refusal ends with `way_out`.

    Raises:
        Refusal: It is missing, damaged or edited.
    """
    try:
        manifest = Manifest.parse(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Refusal(f"{file}: is missing; {way_out}") from None
    except OSError as error:
        raise unreadable(file, error) from None
    except (ValueError, ValidationError, RecursionError):
        raise Refusal(f"{file}: is damaged; {way_out}") from None
    if manifest.digest != _overall(manifest.digests, manifest.scale):
        raise Refusal(f"{file}: was edited; {way_out}")
    return manifest


def write_manifest(file: Path, manifest: Manifest) -> None:
    """Write a manifest, the same bytes whenever it says the same."""
    text = json.dumps(manifest.plain(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8")


def open_split(folder: Path, split: str) -> tuple[NDArray[Any], Targets]:
    """Return a split's examples, memory-mapped and read-only, and its targets.

    Targets are int64 of shape (n,) where there are labels, else float32 of shape (n, k).
    Both are read once and checked against the manifest: 42 MB take 0.03 s.

    Raises:
        Refusal: A file is missing, truncated or edited.
    """
    manifest = read_manifest(folder)
    examples = _checked(folder, f"{split}_examples", manifest)
    targets = np.array(_checked(folder, f"{split}_targets", manifest))
    targets.flags.writeable = False
    return examples, targets


def examples_file(folder: Path, split: str) -> Path:
    """Return where a split's examples lie.

    Raises:
        Refusal: The manifest is missing, damaged or edited.
    """
    return _file(folder, f"{split}_examples", read_manifest(folder).shape)


def verify(folder: Path) -> Manifest:
    """Recompute every digest of a dataset's folder, and return its manifest.

    Raises:
        Refusal: A file is missing, truncated or edited.
    """
    manifest = read_manifest(folder)
    for array in manifest.digests:
        _checked(folder, array, manifest)
    return manifest


def _split(source: Source, dataset: Dataset, place: str) -> tuple[Source, dict[str, Split]]:
    """Return the source as fitted on its training split, and the splits of it."""
    asked = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    counts = {split: count for split, count in asked.items() if count != "publisher"}
    generator = np.random.default_rng(dataset.seed)
    if source.labels:
        targets = np.asarray(source.targets, np.int64)
        chosen = stratified(targets, counts, source.labels, generator, place)
    else:
        chosen = shuffled(len(source.targets), counts, generator, place)
    if source.fitted is not None:
        source = source.fitted(chosen["train"])
    splits = {split: Split(source.examples, source.targets, i) for split, i in chosen.items()}
    for split in (each for each in SPLITS if asked[each] == "publisher"):
        published = source.published(split)
        if published is None:
            raise Refusal(
                f"{place}: {split} is 'publisher', but {source.source} brings no {split} split; "
                f"give dataset.{split} a number"
            )
        splits[split] = Split(*published, generator.permutation(len(published[1])))
    return source, splits


def _label_counts(splits: Mapping[str, Split], labels: int) -> dict[str, tuple[int, ...]]:
    return {
        split: tuple(np.bincount(each.own_targets, minlength=labels).tolist())
        for split, each in splits.items()
    }


def _spread(splits: Mapping[str, Split], place: str) -> dict[str, float]:
    """Return the variance of each split's targets, averaged over the numbers to be predicted."""
    found = {
        split: float(np.var(each.own_targets.astype(np.float64), axis=0).mean())
        for split, each in splits.items()
    }
    for split, variance in found.items():
        if not variance > 0:
            raise Refusal(
                f"{place}: the targets of {split} are all the same, so that there is nothing to "
                f"predict; ask for more examples in {split}, or name another target"
            )
    return found


def _write_arrays(
    splits: Mapping[str, Split], place: str, partial: Path, twins: Twins
) -> dict[str, str]:
    digests: dict[str, str] = {}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(
            "preparing examples", total=sum(len(split.chosen) for split in splits.values())
        )
        for split, each in splits.items():
            examples, targets = f"{split}_examples", f"{split}_targets"
            digests[examples] = write_pieces(
                _file(partial, examples, each.shape[1:]),
                twins.seen(split, _pieces(each, place, progress, task)),
                each.examples.dtype,
                each.shape,
            )
            digests[targets] = write_pieces(
                _file(partial, targets, each.shape[1:]),
                [each.own_targets],
                each.targets.dtype,
                each.own_targets.shape,
            )
    return digests


def _pieces(split: Split, place: str, progress: Progress, task: TaskID) -> Iterator[NDArray[Any]]:
    row_bytes = math.prod(split.shape[1:]) * split.examples.dtype.itemsize
    step = max(1, PIECE_BYTES // row_bytes)
    for start in range(0, len(split.chosen), step):
        chosen = split.chosen[start : start + step]
        piece = split.examples[chosen]
        if piece.dtype != split.examples.dtype or piece.shape != (len(chosen), *split.shape[1:]):
            raise Refusal(
                f"{place}: examples are {split.examples.dtype} {split.shape[1:]}, but some came as "
                f"{piece.dtype} {piece.shape[1:]}; its code must return what it announces"
            )
        check_finite(piece, place)
        yield piece
        progress.advance(task, len(chosen))


def _overall(digests: Mapping[str, str], scale: float) -> str:
    """Return the digest over all that decides the digits of a trial."""
    return content_digest({"arrays": dict(digests), "scale": scale})


def _file(folder: Path, array: str, shape: tuple[int, ...]) -> Path:
    """Return where an array lies; an example's `shape` of three axes is a picture's."""
    return folder / f"{array.replace('_examples', '_images') if len(shape) == 3 else array}.npy"


def _checked(folder: Path, array: str, manifest: Manifest) -> NDArray[Any]:
    file = _file(folder, array, manifest.shape)
    try:
        found: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
        digest = stored_digest(file)
    except FileNotFoundError:
        raise Refusal(f"{file}: is missing; {AGAIN}") from None
    except (OSError, EOFError, *HEADER):
        raise Refusal(f"{file}: is truncated or damaged; {AGAIN}") from None
    if digest != manifest.digests.get(array):
        raise Refusal(f"{file}: was edited since it was prepared; {AGAIN}")
    return found
