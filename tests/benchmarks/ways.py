"""Worker processes for the benchmarks, and the trials they are given."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.components import build
from pipeline.configuration.cell import compose_cells
from pipeline.data.arrays import read_manifest, write
from pipeline.execution.environment import environment
from pipeline.records import Trial
from pipeline.search.questions import components, question

CONF = Path("conf")
Answer = dict[str, Any]


class Worker:
    """A process that trains one way; TensorFlow is loaded when it is made."""

    def __init__(self, way: str, threads: int = 1) -> None:
        script = Path(__file__).with_name("worker.py")
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed in `close`
        self._process = subprocess.Popen(
            [sys.executable, str(script), way, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | quiet | {"PYTHONPATH": str(Path.cwd())},
            text=True,
        )
        self._read()

    def send(self, trials: Sequence[Trial], folder: Path) -> None:
        """Ask for the trials to be trained; does not wait."""
        asked = {"folder": str(folder), "trials": [trial.plain() for trial in trials]}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def fileno(self) -> int:
        """Where its answers come from, for `select`."""
        return self._process.stdout.fileno()

    def receive(self) -> Answer:
        return self._read()

    def run(self, trials: Sequence[Trial], folder: Path) -> Answer:
        self.send(trials, folder)
        return self.receive()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            stream.close()
        self._process.terminate()
        self._process.wait()

    def _read(self) -> Answer:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"a benchmark worker ended: {self._errors.read()[-2000:]}")
        return json.loads(line)


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
    folder: Path, model: str, count: int, *, epochs: int, examples: int
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
        overrides = (f"model={model}", f"norm={arm}", f"epochs={epochs}", f"examples={examples}")
        trials.append(trial_of(folder, *overrides, placed=values, seed=index))
    return trials
