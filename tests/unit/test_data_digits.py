"""The digits of 8x8 pixels in scikit-learn's wheel: what its own reader returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.data import digits
from pipeline.errors import Refusal

CONF = Path(__file__).parents[2] / "conf" / "dataset" / "digits.yaml"
DIGEST = yaml.safe_load(CONF.read_text())["source"]["digest"]


def test_it_agrees_with_the_wheels_own_reader() -> None:
    from sklearn.datasets import load_digits  # the twin

    source, twin = digits.load(digest=DIGEST), load_digits()
    assert source.examples.shape == (1797, 8, 8, 1)  # as scikit-learn's documentation says
    np.testing.assert_array_equal(source.examples[..., 0], twin.images)
    np.testing.assert_array_equal(source.targets, twin.target)
    assert float(np.max(source.examples) * source.scale) == 1.0


def test_another_digest_is_refused() -> None:
    with pytest.raises(Refusal, match=f"expected digest 00000000, found {DIGEST[:12]};"):
        digits.load(digest="00000000")


def test_a_wheel_without_the_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "PACKAGE", "sklearn.datasets.absent")
    with pytest.raises(Refusal, match=r"cannot be read .*; install the scikit-learn of requirem"):
        digits.load(digest=DIGEST)
