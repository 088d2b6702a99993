"""The diabetes study in scikit-learn's wheel, as its authors published it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.data import diabetes
from pipeline.errors import Refusal

CONF = Path(__file__).parents[2] / "conf" / "dataset" / "diabetes.yaml"
DIGEST = yaml.safe_load(CONF.read_text())["source"]["digest"]


def test_it_holds_442_patients_and_ten_measurements() -> None:
    source = diabetes.load(digest=DIGEST)
    assert source.examples.shape == (442, 10)
    assert source.labels == ()
    assert source.test_examples is None
    # the mean of the target over all patients, as in Efron et al. 2004: 152.13, deviation 77.0
    assert "(less 152.133 and over 77.0057, as in the training split)" in source.source


def test_linear_regression_explains_what_the_literature_says() -> None:
    source = diabetes.load(digest=DIGEST)
    x, y = np.asarray(source.examples, np.float64), source.targets.astype(np.float64)
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    # R2 of least squares over all patients and measurements, as in scikit-learn's examples: 0.518
    assert 1 - (residuals @ residuals) / (y @ y) == pytest.approx(0.5177, abs=1e-4)


def test_other_numbers_are_refused_with_both_digests() -> None:
    with pytest.raises(Refusal) as refusal:
        diabetes.load(digest="0123456789abcdef")
    assert str(refusal.value).startswith(
        "sklearn.datasets.data: diabetes: these are not the published data: expected digest "
        f"0123456789ab, found {DIGEST[:12]};"
    )


def test_a_wheel_without_the_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diabetes, "PACKAGE", "sklearn.datasets.absent")
    with pytest.raises(Refusal, match=r"cannot be read .*; install the scikit-learn of requirem"):
        diabetes.load(digest=DIGEST)
