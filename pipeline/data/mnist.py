"""MNIST, 60,000 and 10,000 handwritten digits: from a user's files, or downloaded.

An .npz archive and a folder of idx files hold the same arrays, and give the
same digest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.archive import read_npz
from pipeline.data.digest import check_digest
from pipeline.data.download import downloads_folder, fetch
from pipeline.data.idx import read_idx_folder
from pipeline.data.source import Source, check_lengths
from pipeline.errors import Refusal

CLASSES = tuple("0123456789")
LICENSE = "CC BY-SA 3.0"
KEYS = ("x_train", "y_train", "x_test", "y_test")
OVERRIDE = "dataset.source.path=FILE"


def load(*, path: str | None, url: str, digest: str) -> Source:
    """Return the training images as `images`, and the publisher's test images.

    Args:
        path: An .npz archive with x_train, y_train, x_test and y_test, or a
            folder of idx files; None to download.
        url: Where the archive is downloaded from, and kept for next time.
        digest: What the decoded arrays must have, whichever way they came.

    Raises:
        Refusal: The files are missing, damaged or not MNIST's, or cannot be downloaded.
    """
    if path is None:
        file = fetch(url, downloads_folder() / "mnist" / "mnist.npz", OVERRIDE)
        place = f"{file} (remove it to download it again)"
    else:
        file = Path(path).expanduser()
        place = str(file)
    arrays = read_idx_folder(file) if file.is_dir() else read_npz(file, KEYS)
    images, labels = _pair(arrays["x_train"], arrays["y_train"], f"{file}: train")
    test_images, test_labels = _pair(arrays["x_test"], arrays["y_test"], f"{file}: test")
    decoded: dict[str, NDArray[Any]] = {
        "images": images,
        "labels": labels,
        "test_images": test_images,
        "test_labels": test_labels,
    }
    check_digest(decoded, digest, place)
    return Source(
        **decoded,
        classes=CLASSES,
        scale=1 / 255,
        source="MNIST (Y. LeCun, C. Cortes, C. Burges), 60,000 and 10,000 images",
        license=LICENSE,
    )


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
