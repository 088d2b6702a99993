"""Four arrays as MNIST's publishers, and those who took up their form, give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.digest import check_digest
from pipeline.data.source import check_lengths
from pipeline.errors import Refusal

KEYS = ("x_train", "y_train", "x_test", "y_test")


def checked(
    arrays: Mapping[str, NDArray[Any]], digest: str, file: Path, place: str
) -> dict[str, Any]:
    """Return the arrays as a `Source` takes them: images, labels, and the same for the test split.

    Args:
        arrays: Images of shape (n, h, w) and labels of shape (n,), by KEYS.
        digest: What they must have once they are converted.
        file: Where they come from, for the messages.
        place: The same, with what to do when they are others.

    Raises:
        Refusal: They are not of this form, or not the expected ones.
    """
    images, labels = _pair(arrays["x_train"], arrays["y_train"], f"{file}: train")
    test_images, test_labels = _pair(arrays["x_test"], arrays["y_test"], f"{file}: test")
    decoded: dict[str, NDArray[Any]] = {
        "images": images,
        "labels": labels,
        "test_images": test_images,
        "test_labels": test_labels,
    }
    check_digest(decoded, digest, place)
    return {
        "examples": images,
        "targets": labels,
        "test_examples": test_images,
        "test_targets": test_labels,
    }


def _pair(
    images: NDArray[Any], labels: NDArray[Any], place: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if images.dtype != np.uint8 or images.ndim != 3:
        raise Refusal(
            f"{place} images are {images.dtype} {images.shape}; save them as published, "
            "uint8 of shape (n, h, w)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise Refusal(
            f"{place} labels are {labels.dtype} {labels.shape}; save them as published, "
            "whole numbers of shape (n,)"
        )
    check_lengths(images, labels, place)
    return images[..., np.newaxis], labels.astype(np.int64)
