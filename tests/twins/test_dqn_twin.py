"""Deep Q-learning against plain Keras and gymnasium, which share no code with the pipeline."""

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pipeline.configuration.cell import compose_cells
from pipeline.data.prepared import prepare
from pipeline.execution.environment import environment
from pipeline.search.questions import components, question

TWIN = Path(__file__).with_name("plain_dqn.py")
SEEDS = range(1, 11)
LATE = 5  # evaluations, the last ones: as the claim has it
RECIPE = (
    *("dataset=cartpole", "model=q_network", "norm=none", "optimizer.learning_rate=0.001"),
    *("batch_size=64", "epochs=10", "steps_per_epoch=375"),
)
ONE_THREAD = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


def test_the_twin_imports_keras_gymnasium_and_numpy_alone():
    nodes = list(ast.walk(ast.parse(TWIN.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert plain | named == {"gymnasium", "json", "keras", "numpy", "sys"}


def twin(seeds) -> np.ndarray:
    """Return each seed's late mean return, in two processes of one thread."""

    def half(own):
        command = [sys.executable, str(TWIN), *map(str, own)]
        done = subprocess.run(
            command, env=os.environ | ONE_THREAD, check=True, stdout=subprocess.PIPE, text=True
        )
        return json.loads(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        curves = [*pool.map(half, (seeds[::2], seeds[1::2]))]
    return late([*curves[0], *curves[1]])


def late(curves) -> np.ndarray:
    return np.array(curves)[:, -LATE:].mean(axis=1)


def pipeline(seeds, folder: Path) -> np.ndarray:
    """Return the same of the pipeline, at the rate and with the network of the twin."""
    from pipeline.training.determinism import configure

    configure("cpu", threads=1)
    from pipeline.training.dqn import train

    asked = compose_cells(Path("conf"), list(RECIPE), multirun=False)[0]
    digest, cell = prepare(asked.dataset, "cartpole", folder).digest, asked.cell
    here = environment(components(cell), cell.trainer)
    found = []
    for seed in seeds:
        trial = question(cell, data_digest=digest, environment=here, seed=seed, split="validation")
        found.append(train(trial, folder).result.curves["validation_score"])
    return 500 * late(found)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_mean_return_agrees_with_plain_keras(tmp_path):
    """Of 10 seeds on either side: apart by less than Welch's interval of a difference at 95%."""
    sides = twin(SEEDS), pipeline(SEEDS, tmp_path / "cartpole")
    for name, side in zip(("twin", "pipeline"), sides, strict=True):
        print(f"\n{name:9} {side.mean():6.1f} ± {stats.sem(side):.1f}  {np.round(side, 1)}")
    difference = stats.ttest_ind(*sides, equal_var=False).confidence_interval(0.95)
    print(f"apart     {np.diff([side.mean() for side in sides])[0]:+.1f}, {difference}")
    assert difference.low < 0 < difference.high
    assert all(side.mean() > 3 * 22 for side in sides)  # both have learned: random play earns 22
