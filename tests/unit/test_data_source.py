"""What a dataset's module returns is checked before anything is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.data.source import Source
from pipeline.errors import Refusal


def source(**changes: Any) -> Source:
    content: dict[str, Any] = {
        "images": np.zeros((4, 2, 2, 1), np.uint8),
        "labels": np.array([0, 1, 0, 1]),
        "classes": ("cat", "dog"),
        "test_images": None,
        "test_labels": None,
        "scale": 1 / 255,
        "source": "pets",
        "license": "CC0",
    }
    return Source(**{**content, **changes})


def test_a_fitting_source_is_accepted_with_or_without_a_test_split() -> None:
    assert source().test_labels is None
    test = {"test_images": np.ones((1, 2, 2, 1), np.uint8), "test_labels": np.array([1])}
    assert source(**test).test_labels is test["test_labels"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((4, 2, 2), np.uint8)}, "images are uint8 (4, 2, 2); load must"),
        ({"images": np.zeros((4, 2, 2, 1))}, "images are float64 (4, 2, 2, 1); load must"),
        ({"labels": np.zeros(4, np.int32)}, "labels are int32 (4,); load must"),
        ({"labels": np.zeros(3, np.int64)}, "4 images but 3 labels"),
        ({"labels": np.array([0, 1, 2, 0])}, "labels run from 0 to 2, but 2 classes are named"),
        ({"labels": np.array([0, -1, 1, 0])}, "labels run from -1 to 1, but 2 classes are named"),
        ({"images": np.full((4, 1, 1, 1), np.nan, np.float32)}, "a value that is not finite"),
        ({"images": np.full((4, 1, 1, 1), -np.inf, np.float32)}, "a value that is not finite"),
        ({"classes": ("cat",)}, "a classifier needs at least two classes, found 'cat'"),
        ({"classes": ()}, "a classifier needs at least two classes, found none"),
        ({"images": np.zeros((4, 2, 0, 1), np.uint8)}, "uint8 (4, 2, 0, 1): there are none"),
        ({"test_labels": np.array([1])}, "test images and test labels must come together"),
        (
            {"test_images": np.zeros((1, 3, 2, 1), np.uint8), "test_labels": np.array([1])},
            "test images are uint8 (3, 2, 1), the others are uint8 (2, 2, 1)",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal) as refusal:
        source(**changes)
    assert str(refusal.value).startswith("pets")
    assert message in str(refusal.value)
