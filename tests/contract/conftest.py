"""What contract tests share: TensorFlow set up as in a worker, and a small dataset of digits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.data.arrays import read_manifest, write
from pipeline.execution.environment import environment
from pipeline.records import Trial
from pipeline.search.questions import components, question

TINY = ("dataset.train=256", "dataset.validation=100", "dataset.test=100", "epochs=1")
CONF = Path("conf")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    from pipeline.training.determinism import configure

    configure("cpu", threads=1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Arrays of 256 training, 100 validation and 100 test digits."""
    from pipeline.components import build

    asked = compose_cells(CONF, TINY, multirun=False)[0]
    folder = tmp_path_factory.mktemp("arrays") / "mnist_5k"
    write(build(asked.dataset.source), asked.dataset, "mnist_5k", folder)
    return folder


@pytest.fixture(scope="session")
def asked(folder) -> Callable[..., Trial]:
    """Turns overrides into a trial on the small dataset."""

    def ask(*overrides: str, split: str = "validation") -> Trial:
        cell = compose_cells(CONF, [*TINY, *overrides], multirun=False)[0].cell
        return question(
            cell,
            data_digest=read_manifest(folder).digest,
            environment=environment(components(cell), cell.trainer),
            seed=cell.seed,
            split=split,
        )

    return ask
