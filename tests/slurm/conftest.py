"""A Slurm for these tests, booted once, and checkouts whose sweeps use it."""

from pathlib import Path

import pytest
from booted import Slurm, install
from checkout import Checkout
from tiny import checked_out


@pytest.fixture(scope="session")
def slurm(tmp_path_factory) -> Slurm:
    install()
    booted = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        booted.start()
        yield booted
    finally:
        booted.stop()


@pytest.fixture
def checkout(tmp_path: Path, slurm: Slurm) -> Checkout:
    """A checkout with prepared arrays, whose commands speak to the Slurm."""
    return checked_out(tmp_path / "checkout", **slurm.environment)
