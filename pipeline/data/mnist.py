"""MNIST, 60,000 and 10,000 handwritten digits: from a user's files, or downloaded.

An .npz archive and a folder of idx files hold the same arrays, and give the
same digest.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.data.archive import read_npz
from pipeline.data.classes import of_classes
from pipeline.data.download import downloads_folder, fetch
from pipeline.data.idx import read_idx_folder
from pipeline.data.paths import is_folder, named
from pipeline.data.published import KEYS, checked
from pipeline.data.source import Source

CLASSES = tuple("0123456789")
LICENSE = "CC BY-SA 3.0"
OVERRIDE = "dataset.source.path=FILE"


def load(*, path: str | None, url: str, digest: str, classes: Sequence[int] | None) -> Source:
    """Return the training images as `examples`, and the publisher's test images.

    Args:
        path: An .npz archive with x_train, y_train, x_test and y_test, or a
            folder of idx files; None to download.
        url: Where the archive is downloaded from, and kept for next time.
        digest: What the decoded arrays must have, whichever way they came.
        classes: Those that are taken, in the order in which they are told apart; None takes all.

    Raises:
        Refusal: The files are missing, damaged or not MNIST's, or cannot be downloaded;
            or `classes` are none of theirs.
    """
    if path is None:
        file = fetch(url, downloads_folder() / "mnist" / "mnist.npz", OVERRIDE)
        place = f"{file} (remove it to download it again)"
    else:
        file = named(path, "an .npz archive, or a folder of idx files")
        place = str(file)
    arrays = read_idx_folder(file) if is_folder(file) else read_npz(file, KEYS)
    whole = Source(
        **checked(arrays, digest, file, place),
        labels=CLASSES,
        scale=1 / 255,
        source="MNIST (Y. LeCun, C. Cortes, C. Burges), 60,000 and 10,000 images",
        license=LICENSE,
    )
    return of_classes(whole, classes)
