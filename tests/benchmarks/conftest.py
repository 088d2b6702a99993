"""What all benchmarks of training share."""

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The arrays of mnist_5k; from here on this process trains on one thread."""
    from ways import prepared

    from pipeline.training.determinism import configure

    configure("cpu", threads=1)
    return prepared(tmp_path_factory.mktemp("arrays"))
