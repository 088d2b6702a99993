"""What a dataset's module returns is checked before anything is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.data.source import Source
from pipeline.errors import Refusal


def source(**changes: Any) -> Source:
    content: dict[str, Any] = {
        "examples": np.zeros((4, 2, 2, 1), np.uint8),
        "targets": np.array([0, 1, 0, 1]),
        "labels": ("cat", "dog"),
        "test_examples": None,
        "test_targets": None,
        "scale": 1 / 255,
        "source": "pets",
        "license": "CC0",
    }
    return Source(**{**content, **changes})


def test_a_fitting_source_is_accepted_with_or_without_a_test_split() -> None:
    assert source().test_targets is None
    test = {"test_examples": np.ones((1, 2, 2, 1), np.uint8), "test_targets": np.array([1])}
    assert source(**test).test_targets is test["test_targets"]


@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 2), (4, 2, 2, 1)])
@pytest.mark.parametrize("targets", [(4,), (4, 3)])
def test_rows_sequences_and_pictures_may_be_predicted_numbers_from(
    shape: tuple[int, ...], targets: tuple[int, ...]
) -> None:
    found = source(
        examples=np.zeros(shape, np.float32), targets=np.zeros(targets, np.float32), labels=()
    )
    assert found.examples.shape == shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"examples": np.zeros(4, np.uint8)}, "examples are uint8 (4,); load must"),
        ({"examples": np.zeros((4, 2, 2, 1))}, "examples are float64 (4, 2, 2, 1); load must"),
        ({"targets": np.zeros(4, np.int32)}, "targets are int32 (4,); load must"),
        ({"targets": np.zeros(3, np.int64)}, "4 examples but 3 targets"),
        ({"targets": np.array([0, 1, 2, 0])}, "targets run from 0 to 2, but 2 classes are named"),
        ({"targets": np.array([0, -1, 1, 0])}, "targets run from -1 to 1, but 2 classes are named"),
        ({"examples": np.full((4, 1, 1, 1), np.nan, np.float32)}, "a value that is not finite"),
        ({"examples": np.full((4, 1, 1, 1), -np.inf, np.float32)}, "a value that is not finite"),
        ({"targets": np.zeros(4, np.float32)}, "targets are float32 (4,); load must return int64"),
        (
            {"targets": np.full(4, np.inf, np.float32), "labels": ()},
            "a target is not finite; repair or remove it",
        ),
        ({"labels": ("cat",)}, "a classifier needs at least two classes, found 'cat'"),
        (
            {"labels": ()},
            "targets are int64 (4,); load must return float32 (n,), (n, k) without labels",
        ),
        ({"examples": np.zeros((4, 2, 0, 1), np.uint8)}, "uint8 (4, 2, 0, 1): there are none"),
        ({"test_targets": np.array([1])}, "test examples and test targets must come together"),
        (
            {"test_examples": np.zeros((1, 3, 2, 1), np.uint8), "test_targets": np.array([1])},
            "test examples are uint8 (3, 2, 1), the others are uint8 (2, 2, 1)",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal) as refusal:
        source(**changes)
    assert str(refusal.value).startswith("pets")
    assert message in str(refusal.value)
