"""make bench: what a trial costs in the mirrors. MIRRORED of the environment shrinks it."""

import os

import pytest
from mirrors import mirror_rows

pytestmark = [
    pytest.mark.bench,
    pytest.mark.timeout(1800),
    # MLflow's own: it uses what SQLAlchemy is about to remove
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

COUNT = int(os.environ.get("MIRRORED", "1000"))
HEADER = ["what", "trials", "seconds", "ms a trial"]


def test_the_mirrors_are_measured():
    rows = mirror_rows(COUNT)
    for line in (HEADER, ["---"] * len(HEADER), *rows):
        print("| " + " | ".join(line) + " |")
    assert [row[0] for row in rows] == [
        "MLflow",
        "MLflow again, unchanged",
        "Optuna",
        "Optuna again, unchanged",
    ]
