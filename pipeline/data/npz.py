"""Images and labels of one's own, from an .npz archive: whatever `numpy.savez` saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.archive import opened_npz, read_npz
from pipeline.data.paths import file_at, shown
from pipeline.data.source import Images, Labels, Source
from pipeline.data.stored import unpacked
from pipeline.errors import Refusal

LARGE_BYTES = 1 << 28  # from here on, images stay on disk


def load(
    *,
    path: str | None,
    images: str,
    labels: str,
    test_images: str | None,
    test_labels: str | None,
    classes: Sequence[str] | None,
    license: str,  # noqa: A002
) -> Source:
    """Return the archive's arrays as images, shape (n, h, w, c), and labels.

    Images are bytes, which count as 0 to 1, or floating-point numbers, which
    are taken as they are, in single precision. Their shape is (n, h, w, c),
    (n, h, w) or (n, features).

    Args:
        path: The archive.
        images: Key of the images.
        labels: Key of the labels: whole numbers 0 .. number of classes - 1, shape (n,).
        test_images: Key of the publisher's test images; or None.
        test_labels: Key of their labels; or None.
        classes: The classes' names; or None to call them by their numbers.
        license: The terms they are under, for the report.

    Raises:
        Refusal: The archive or an array is missing, damaged or not of this form.
    """
    file = file_at(path, "an .npz archive")
    if (test_images is None) != (test_labels is None):
        raise Refusal("dataset.source: test_images and test_labels come together; name both")
    found, numbers = _split(file, images, labels)
    test: tuple[Images | None, Labels | None] = (None, None)
    if test_images is not None:
        test = _split(file, test_images, test_labels)
    return Source(
        images=found,
        labels=numbers,
        classes=_names(classes, numbers, f"{shown(file)}: array {labels!r}"),
        test_images=test[0],
        test_labels=test[1],
        scale=1 / 255 if found.dtype == np.uint8 else 1.0,
        source=f"archive {shown(file.name)}",
        license=str(license),
    )


def _split(file: Path, images: object, labels: object) -> tuple[Images, Labels]:
    for key in (images, labels):
        if not isinstance(key, str):
            raise Refusal(f"dataset.source: arrays of {shown(file)} are named by text, got {key!r}")
    return _images(file, str(images)), _labels(file, str(labels))


def _images(file: Path, key: str) -> Images:
    def form(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
        shapes = {2: (*shape, 1, 1), 3: (*shape, 1), 4: shape}
        if len(shape) not in shapes or (dtype != np.uint8 and dtype.kind != "f"):
            raise Refusal(
                f"{shown(file)}: array {key!r} holds {dtype} {shape}; images are uint8 or "
                "floating-point numbers of shape (n, h, w, c), (n, h, w) or (n, features)"
            )
        return shapes[len(shape)], np.dtype(np.uint8 if dtype == np.uint8 else np.float32)

    if _is_large(file, key) and (stored := unpacked(file, key, form)) is not None:
        return stored
    found = read_npz(file, [key])[key]
    shape, dtype = form(found.shape, found.dtype)
    with np.errstate(over="ignore"):  # an infinity is refused as such
        return found.reshape(shape).astype(dtype, copy=False)


def _is_large(file: Path, key: str) -> bool:
    with opened_npz(file, [key]) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
    return sizes.get(f"{key}.npy", sizes.get(key, 0)) >= LARGE_BYTES


def _labels(file: Path, key: str) -> Labels:
    labels = read_npz(file, [key])[key]
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        way_out = "argmax(axis=1)" if labels.ndim == 2 else "astype('int64')"
        raise Refusal(
            f"{shown(file)}: array {key!r} holds {labels.dtype} {labels.shape}; labels are whole "
            f"numbers of shape (n,): try {way_out}"
        )
    return labels.astype(np.int64)


def _names(classes: object, labels: Labels, place: str) -> tuple[str, ...]:
    """Return the classes' names: as given, or their numbers, of which none may be left out."""
    if classes is None:
        found = np.unique(labels)
        if found.tolist() != list(range(len(found))):
            raise Refusal(
                f"{place}: {len(found)} different labels run from {labels.min()} to "
                f"{labels.max()}; they must be 0 .. {len(found) - 1}, each of them used"
            )
        return tuple(str(label) for label in found)
    if not isinstance(classes, Sequence) or not all(isinstance(name, str) for name in classes):
        raise Refusal(f"dataset.source.classes: must be null or a list of names, got {classes!r}")
    if isinstance(classes, str) or len(set(classes)) < len(classes):
        raise Refusal(f"dataset.source.classes: must be a list of different names, got {classes!r}")
    return tuple(classes)
