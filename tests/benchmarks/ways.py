"""Worker processes for the benchmarks, and the trials they are given."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conversation import Answer, Conversation

from pipeline.components import build
from pipeline.configuration.cell import compose_cells
from pipeline.data.arrays import read_manifest, write
from pipeline.execution.environment import environment
from pipeline.records import Trial
from pipeline.search.questions import components, question

CONF = Path("conf")


class Worker:
    """A process that trains one way; TensorFlow is loaded when it is made."""

    def __init__(self, way: str, threads: int = 1) -> None:
        script = Path(__file__).with_name("worker.py")
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self._process = Conversation(
            [sys.executable, str(script), way, str(threads)], PYTHONPATH=str(Path.cwd()), **quiet
        )
        self.receive, self.fileno = self._process.receive, self._process.fileno
        self.close = self._process.close

    def send(self, trials: Sequence[Trial], folder: Path) -> None:
        """Ask for the trials to be trained; does not wait."""
        self._process.send({"folder": str(folder), "trials": [trial.plain() for trial in trials]})

    def run(self, trials: Sequence[Trial], folder: Path) -> Answer:
        self.send(trials, folder)
        return self.receive()


def prepared(folder: Path) -> Path:
    """Write mnist_5k's arrays below a folder and return where."""
    asked = compose_cells(CONF, [], multirun=False)[0]
    write(build(asked.dataset.source), asked.dataset, "mnist_5k", folder / "mnist_5k")
    return folder / "mnist_5k"


def trial_of(folder: Path, *overrides: str, **values: Any) -> Trial:
    """Return a trial of the shipped configuration under overrides, with values set in it."""
    cell = compose_cells(CONF, overrides, multirun=False)[0].cell
    return question(
        cell.placed(values.pop("placed", {})),
        data_digest=read_manifest(folder).digest,
        environment=environment(components(cell), cell.trainer),
        seed=values.pop("seed", cell.seed),
        split="validation",
    )


def sweep_trials(
    folder: Path, model: str, count: int, *overrides: str, epochs: int, examples: int
) -> list[Trial]:
    """Return a random sweep over rate, momentum, epsilon and batch, arms in turn."""
    generator = np.random.default_rng(0)
    trials = []
    for index in range(count):
        arm = ("none", "batch", "layer")[index % 3]
        values: dict[str, Any] = {
            "optimizer.learning_rate": float(10 ** generator.uniform(-4, -2)),
            "batch_size": int(2 ** generator.integers(3, 10)),
        }
        momentum = float(1 - 10 ** generator.uniform(-3, -0.3))
        epsilon = float(10.0 ** generator.integers(-4, 0))
        if arm == "batch":
            values |= {"norm.momentum": momentum, "norm.epsilon": epsilon}
        shape = (f"model={model}", f"norm={arm}", f"epochs={epochs}", f"examples={examples}")
        trials.append(trial_of(folder, *shape, *overrides, placed=values, seed=index))
    return trials
