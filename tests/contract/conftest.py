"""What contract tests share: TensorFlow set up as in a worker, digits, and made-up numbers."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.data.arrays import read_manifest, write
from pipeline.data.source import Source
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
def numbers(tmp_path_factory) -> Callable[..., Path]:
    """Makes arrays of 256, 100 and 100 examples of a shape, each with two numbers to predict.

    They are smooth functions of an example's values, of unequal variance, and a little noise.
    """

    @cache
    def make(*shape: int) -> Path:
        generator = np.random.default_rng(len(shape))
        examples = generator.normal(0.0, 1.0, (456, *shape)).astype(np.float32)
        flat = examples.reshape(456, -1)
        told = flat @ generator.normal(0.0, 1.0, (flat.shape[1], 2)) / flat.shape[1] ** 0.5
        targets = np.stack([np.tanh(told[:, 0]), 3.0 * told[:, 1] + told[:, 0] ** 2], axis=1)
        targets += generator.normal(0.0, 0.1, targets.shape)
        source = Source(
            examples=examples,
            targets=targets.astype(np.float32),
            labels=(),
            test_examples=None,
            test_targets=None,
            scale=1.0,
            source="a generator",
            license="none",
        )
        asked = compose_cells(CONF, [*TINY, "dataset.task=regression"], multirun=False)[0]
        folder = tmp_path_factory.mktemp("numbers") / "made_up"
        write(source, asked.dataset, "made_up", folder)
        return folder

    return make


@pytest.fixture(scope="session")
def asked(folder) -> Callable[..., Trial]:
    """Turns overrides into a trial on the small dataset, or on arrays of another folder."""

    def ask(*overrides: str, split: str = "validation", of: Path = folder) -> Trial:
        cell = compose_cells(CONF, [*TINY, *overrides], multirun=False)[0].cell
        return question(
            cell,
            data_digest=read_manifest(of).digest,
            environment=environment(components(cell), cell.trainer),
            seed=cell.seed,
            split=split,
        )

    return ask


@pytest.fixture
def built_model(asked):
    """Builds what overrides ask for, for ten classes of pictures of 28x28 or another shape."""
    from pipeline.training.setting import built

    def make(*overrides, shape=(28, 28, 1)):
        return built(asked(*overrides), shape, 10)

    return make
