"""The diabetes study, 442 patients, embedded in the scikit-learn wheel: no network needed.

B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least Angle Regression", 2004.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.data.digest import check_digest
from pipeline.data.source import Source
from pipeline.data.table import predicting
from pipeline.data.table_file import Table
from pipeline.errors import Refusal

PACKAGE = "sklearn.datasets.data"
FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
TARGET = "progression"


def load(*, digest: str) -> Source:
    """Return ten measurements of each patient, and how far the disease was a year later.

    Both are less their mean and over their deviation in the training split.

    Args:
        digest: What the decoded table must have.

    Raises:
        Refusal: The installed scikit-learn holds no such files, or other numbers.
    """
    columns = dict(zip(FEATURES, _read("diabetes_data_raw.csv.gz").T, strict=True))
    columns[TARGET] = _read("diabetes_target.csv.gz")[:, 0]
    check_digest(columns, digest, f"{PACKAGE}: diabetes")
    return predicting(
        Table(Path(f"{PACKAGE}: diabetes"), pa.table(columns), first_row=1),
        task="regression",
        target=TARGET,
        numeric=FEATURES,
        categorical=(),
        missing="refuse",
        standardize=True,
        source="Diabetes (B. Efron, T. Hastie, I. Johnstone, R. Tibshirani), by scikit-learn",
        license="not stated by its publishers",
    )


def _read(name: str) -> NDArray[Any]:
    try:
        with resources.as_file(resources.files(PACKAGE) / name) as path:
            return np.loadtxt(path, ndmin=2)
    except (OSError, EOFError, ValueError, ModuleNotFoundError) as error:
        raise Refusal(
            f"{PACKAGE}: {name} cannot be read ({error}); install the scikit-learn "
            "of requirements.lock"
        ) from error
