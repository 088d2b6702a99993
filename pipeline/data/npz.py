"""Examples and targets of one's own, from an .npz archive: whatever `numpy.savez` saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.archive import opened_npz, read_npz
from pipeline.data.paths import file_at, shown
from pipeline.data.source import Examples, Integers, Source, Targets, predicts_numbers
from pipeline.data.stored import unpacked
from pipeline.errors import Refusal, nearest

LARGE_BYTES = 1 << 28  # from here on, examples stay on disk
LASTS = {"pictures": (1,), "sequences": ()}  # the axes that (n, a, b) lacks


def load(
    *,
    path: str | None,
    task: str,
    examples: str,
    three_axes: str,
    targets: str,
    test_examples: str | None,
    test_targets: str | None,
    labels: Sequence[str] | None,
    license: str,  # noqa: A002
) -> Source:
    """Return the archive's arrays as examples and targets.

    Examples are bytes, which count as 0 to 1, or floating-point numbers, which
    are taken as they are, in single precision. Their shape is (n, h, w, c),
    (n, h, w), (n, t, d) or (n, d).

    Args:
        path: The archive.
        task: `classification`, whose targets are whole numbers, or `regression`.
        examples: Key of the examples.
        three_axes: What examples of shape (n, a, b) are: `pictures` without channels, or
            `sequences`.
        targets: Key of the targets: whole numbers 0 .. number of classes - 1, shape (n,); for
            regression numbers as they are, shape (n,) or (n, k).
        test_examples: Key of the publisher's test examples; or None.
        test_targets: Key of their targets; or None.
        labels: The classes' names; or None to call them by their numbers.
        license: The terms they are under, for the report.

    Raises:
        Refusal: The archive or an array is missing, damaged or not of this form.
    """
    file = file_at(path, "an .npz archive")
    if (test_examples is None) != (test_targets is None):
        raise Refusal("dataset.source: test_examples and test_targets come together; name both")
    if three_axes not in LASTS:
        raise Refusal(
            f"dataset.source.three_axes: is {three_axes!r}{nearest(str(three_axes), LASTS)}"
        )
    if predicts_numbers(task) and labels is not None:
        raise Refusal("dataset.source.labels: names classes, but regression has none; remove it")

    def split(of_examples: object, of_targets: object) -> tuple[Examples, Targets]:
        for key in (of_examples, of_targets):
            if not isinstance(key, str):
                raise Refusal(
                    f"dataset.source: arrays of {shown(file)} are named by text, got {key!r}"
                )
        read = _numbers if predicts_numbers(task) else _classes
        return _examples(file, str(of_examples), three_axes), read(file, str(of_targets))

    found, numbers = split(examples, targets)
    test: tuple[Examples | None, Targets | None] = (None, None)
    if test_examples is not None:
        test = split(test_examples, test_targets)
    names: tuple[str, ...] = ()
    if not predicts_numbers(task):
        names = _names(labels, numbers, f"{shown(file)}: array {targets!r}")
    return Source(
        examples=found,
        targets=numbers,
        labels=names,
        test_examples=test[0],
        test_targets=test[1],
        scale=1 / 255 if found.dtype == np.uint8 else 1.0,
        source=f"archive {shown(file.name)}",
        license=str(license),
    )


def _examples(file: Path, key: str, three_axes: str) -> Examples:
    def form(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
        if len(shape) not in (2, 3, 4) or (dtype != np.uint8 and dtype.kind != "f"):
            raise Refusal(
                f"{shown(file)}: array {key!r} holds {dtype} {shape}; examples are uint8 or "
                "floating-point numbers of shape (n, h, w, c), (n, h, w), (n, t, d) or (n, d)"
                f"{_conversion(dtype)}"
            )
        if len(shape) == 4 and shape[1] in (1, 3) and shape[2] == shape[3] > 4:
            raise Refusal(
                f"{shown(file)}: array {key!r} is {shape}: its channels come first; save "
                "numpy.moveaxis(array, 1, 3)"
            )
        last = LASTS[three_axes] if len(shape) == 3 else ()
        return (*shape, *last), np.dtype(np.uint8 if dtype == np.uint8 else np.float32)

    if _is_large(file, key) and (stored := unpacked(file, key, form)) is not None:
        return stored
    found = read_npz(file, [key])[key]
    shape, dtype = form(found.shape, found.dtype)
    with np.errstate(over="ignore"):  # an infinity is refused as such
        return found.reshape(shape).astype(dtype, copy=False)


def _conversion(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "iu":
        return f"; divide them by their largest value, if that is {np.iinfo(dtype).max}"
    return "; try astype('float32')" if dtype.kind == "b" else ""


def _is_large(file: Path, key: str) -> bool:
    with opened_npz(file, [key]) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
    return sizes.get(f"{key}.npy", sizes.get(key, 0)) >= LARGE_BYTES


def _numbers(file: Path, key: str) -> NDArray[np.float32]:
    targets = _targets(file, key)
    if targets.dtype.kind not in "iuf" or targets.ndim not in (1, 2):
        raise Refusal(
            f"{shown(file)}: array {key!r} holds {targets.dtype} {targets.shape}; targets are "
            "numbers of shape (n,) or (n, k): try astype('float32')"
        )
    with np.errstate(over="ignore"):  # an infinity is refused as such
        return targets.astype(np.float32)


def _classes(file: Path, key: str) -> Integers:
    targets = _targets(file, key)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.dtype.kind not in "iu" or targets.ndim != 1:
        raise Refusal(
            f"{shown(file)}: array {key!r} holds {targets.dtype} {targets.shape}; targets are "
            f"whole numbers of shape (n,): {_to_classes(targets)}"
        )
    return targets.astype(np.int64)


def _to_classes(targets: NDArray[Any]) -> str:
    """Return how targets that are no whole numbers in one row become some, if they can."""
    if targets.ndim != 1:
        return "try argmax(axis=1)" if targets.ndim == 2 else "save one for each example"
    if targets.dtype.kind in "fc":
        whole = targets.real == np.round(targets.real)
        if not whole.all():
            broken = targets[~whole][0]
            return (
                f"{broken} is none; to predict numbers say dataset.task=regression, to number "
                "classes save numpy.digitize(array, edges)"
            )
    if targets.dtype.kind in "SU":
        return "save labels, array = numpy.unique(array, return_inverse=True), and name the labels"
    return "try astype('int64')"


def _targets(file: Path, key: str) -> NDArray[Any]:
    targets = read_npz(file, [key])[key]
    if not targets.size:
        raise Refusal(f"{shown(file)}: array {key!r} is empty; name one with a target per example")
    return targets


def _names(labels: object, targets: Targets, place: str) -> tuple[str, ...]:
    """Return the classes' names: as given, or their numbers, of which none may be left out."""
    if labels is None:
        found = np.unique(targets)
        if found.tolist() != list(range(len(found))):
            raise Refusal(
                f"{place}: {len(found)} different targets run from {targets.min()} to "
                f"{targets.max()}; they must be 0 .. {len(found) - 1}, each of them used"
            )
        return tuple(str(label) for label in found)
    if not isinstance(labels, Sequence) or not all(isinstance(name, str) for name in labels):
        raise Refusal(f"dataset.source.labels: must be null or a list of names, got {labels!r}")
    if isinstance(labels, str) or len(set(labels)) < len(labels):
        raise Refusal(f"dataset.source.labels: must be a list of different names, got {labels!r}")
    return tuple(labels)
