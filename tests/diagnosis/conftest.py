"""TensorFlow set up as the command sets it up, on one thread."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    from pipeline.training.determinism import configure

    configure("cpu", threads=1)
