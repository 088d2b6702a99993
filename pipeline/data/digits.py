"""1,797 handwritten digits of 8x8 pixels, embedded in the scikit-learn wheel: no network needed.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
"""

from __future__ import annotations

import numpy as np

from pipeline.data.digest import check_digest
from pipeline.data.packaged import rows
from pipeline.data.source import Source

PACKAGE = "sklearn.datasets.data"
FILE = "digits.csv.gz"
SIDE = 8  # pixels
CLASSES = tuple("0123456789")


def load(*, digest: str) -> Source:
    """Return the images, each pixel a count from 0 to 16, and the labels, in the file's order.

    Args:
        digest: What the decoded images and labels must have.

    Raises:
        Refusal: The installed scikit-learn holds no such file, or other digits.
    """
    read = rows(FILE, PACKAGE, by="scikit-learn", delimiter=",").astype(np.uint8)
    images = read[:, :-1].reshape(-1, SIDE, SIDE, 1)
    labels = read[:, -1].astype(np.int64)
    check_digest({"images": images, "labels": labels}, digest, f"{PACKAGE}: {FILE}")
    return Source(
        examples=images,
        targets=labels,
        labels=CLASSES,
        test_examples=None,
        test_targets=None,
        scale=1 / 16,
        source="Digits of 8x8 pixels (E. Alpaydin, C. Kaynak), packaged by scikit-learn",
        license="CC BY 4.0",
    )
