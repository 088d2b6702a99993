"""What a dataset's module hands over: checked images and labels, not yet split.

A source is a function `load(**arguments) -> Source`, named by its dotted path
in conf/dataset/NAME.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal

Labels = NDArray[np.int64]


class Images(Protocol):
    """Images, shape (n, h, w, c): an array, or what reads them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole, (n, h, w, c)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8 or float32."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[Any]:
        """Return the images with these indices, in memory."""
        ...


@dataclass(frozen=True, eq=False)
class Source:
    """Images, labels and origin, as published.

    Attributes:
        images: uint8 or float32, shape (n, h, w, c); more than memory holds may stay on disk.
        labels: int64, shape (n,), 0 .. number of classes - 1.
        classes: The classes' names, in the order of the labels.
        test_images: The publisher's test images, like `images`; or None.
        test_labels: Their labels; or None.
        scale: What a value is multiplied by when it is used: 1 / 255 for bytes.
        source: Who published the images, and where.
        license: The terms they were published under.

    Raises:
        Refusal: The arrays don't fit that description.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]
    test_images: Images | None
    test_labels: Labels | None
    scale: float
    source: str
    license: str

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit together."""
        if len(self.classes) < 2:
            raise Refusal(
                f"{self.source}: a classifier needs at least two classes, "
                f"found {', '.join(repr(each) for each in self.classes) or 'none'}"
            )
        _check(self.images, self.labels, self.classes, self.source)
        if self.test_images is None and self.test_labels is None:
            return
        if self.test_images is None or self.test_labels is None:
            raise Refusal(f"{self.source}: test images and test labels must come together")
        _check(self.test_images, self.test_labels, self.classes, f"{self.source} (test)")
        described = [(each.dtype, each.shape[1:]) for each in (self.images, self.test_images)]
        if described[0] != described[1]:
            raise Refusal(
                f"{self.source}: test images are {described[1][0]} {described[1][1]}, "
                f"the others are {described[0][0]} {described[0][1]}; convert one of them"
            )


def check_lengths(images: Images, labels: NDArray[Any], place: object) -> None:
    """Refuse images and labels that don't pair up.

    Raises:
        Refusal: There are more of one than of the other.
    """
    if len(images) != len(labels):
        raise Refusal(
            f"{place}: {len(images)} images but {len(labels)} labels; "
            "take both from the same publication"
        )


def _check(images: Images, labels: Labels, classes: tuple[str, ...], place: str) -> None:
    if images.dtype not in (np.uint8, np.float32) or len(images.shape) != 4:
        raise Refusal(
            f"{place}: images are {images.dtype} {images.shape}; "
            "load must return uint8 or float32 of shape (n, h, w, c)"
        )
    if labels.dtype != np.int64 or labels.ndim != 1:
        raise Refusal(
            f"{place}: labels are {labels.dtype} {labels.shape}; load must return int64 (n,)"
        )
    if not all(images.shape):
        raise Refusal(f"{place}: images are {images.dtype} {images.shape}: there are none")
    check_lengths(images, labels, place)
    if not (labels.min() >= 0 and labels.max() < len(classes)):
        raise Refusal(
            f"{place}: labels run from {labels.min()} to {labels.max()}, but {len(classes)} "
            f"classes are named; labels must be 0 .. {len(classes) - 1}"
        )
    if isinstance(images, np.ndarray):
        check_finite(images, place)


def check_finite(images: NDArray[Any], place: object) -> None:
    """Refuse images with a NaN or an infinity.

    Raises:
        Refusal: There is one.
    """
    if images.dtype == np.float32 and not np.isfinite(images).all():
        raise Refusal(f"{place}: an image holds a value that is not finite; repair or remove it")
