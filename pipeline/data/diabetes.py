"""The diabetes study, 442 patients, embedded in the scikit-learn wheel: no network needed.

B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least Angle Regression", 2004.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipeline.data.digest import check_digest
from pipeline.data.packaged import rows
from pipeline.data.source import Source
from pipeline.data.table import predicting
from pipeline.data.table_file import Table

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
    features = rows("diabetes_data_raw.csv.gz", PACKAGE, by="scikit-learn")
    columns = dict(zip(FEATURES, features.T, strict=True))
    columns[TARGET] = rows("diabetes_target.csv.gz", PACKAGE, by="scikit-learn")[:, 0]
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
