"""Fashion-MNIST, 60,000 and 10,000 articles of clothing: a user's, Debian's, or downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.data.archive import read_npz
from pipeline.data.classes import of_classes
from pipeline.data.download import downloads_folder, fetch
from pipeline.data.idx import STEMS, published_name, read_idx_folder
from pipeline.data.paths import is_folder, is_there, named
from pipeline.data.published import KEYS, checked
from pipeline.data.source import Source

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
OVERRIDE = "dataset.source.path=FOLDER"


def load(
    *, path: str | None, package: str, url: str, digest: str, classes: Sequence[int] | None
) -> Source:
    """Return the training images as `examples`, and the publisher's test images.

    Args:
        path: A folder of idx files, or an .npz archive with x_train, y_train,
            x_test and y_test; None to look for the package, and else to download.
        package: Where Debian's package dataset-fashion-mnist puts its idx files.
        url: The folder that the idx files are downloaded from, and kept for next time.
        digest: What the decoded arrays must have, whichever way they came.
        classes: Those that are taken, in the order in which they are told apart; None takes all.

    Raises:
        Refusal: The files are missing, damaged or not Fashion-MNIST's, or
            cannot be downloaded; or `classes` are none of theirs.
    """
    debian = named(package, "the folder of Debian's package", key="dataset.source.package")
    if path is not None:
        file = named(path, "a folder of idx files, or an .npz archive")
        place = str(file)
    elif is_there(debian):
        file = debian
        place = f"{file} (apt-get install --reinstall dataset-fashion-mnist)"
    else:
        file = _downloaded(url)
        place = f"{file} (remove it to download it again)"
    arrays = read_idx_folder(file) if is_folder(file) else read_npz(file, KEYS)
    whole = Source(
        **checked(arrays, digest, file, place),
        labels=CLASSES,
        scale=1 / 255,
        source="Fashion-MNIST (Zalando SE), 60,000 and 10,000 images",
        license="MIT",
    )
    return of_classes(whole, classes)


def _downloaded(url: str) -> Path:
    folder = downloads_folder() / "fashion_mnist"
    for stem in STEMS.values():
        name = f"{published_name(stem)}.gz"
        fetch(f"{url}/{name}", folder / name, OVERRIDE)
    return folder
