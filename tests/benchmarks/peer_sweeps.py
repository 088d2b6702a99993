"""The same sweep by other tools, each from its start to its end, one after the other.

Each is a script that is asked the same trials and leaves a score for each: what it costs to start
workers and load libraries is part of a sweep, whoever carries it out. All but ours train by Keras's
fit, on one thread a worker, and must come to the same scores.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from environments import PEERS, pins, python_of
from ways import sweep_trials

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "RAY_USAGE_STATS_ENABLED": "0"}
SEARCHED = ("", "tests/unit", "tests/benchmarks")  # where the scripts' modules are found


@dataclass(frozen=True)
class Way:
    """How a sweep is carried out.

    Attributes:
        script: Of peers/, without its suffix.
        environment: Where it runs, if not in ours.
        overrides: What its trials have otherwise.
        fits: Whether it trains by Keras's fit.
    """

    script: str
    environment: str | None = None
    overrides: tuple[str, ...] = ()
    fits: bool = True

    def python(self) -> str:
        name = self.environment
        return sys.executable if name is None else python_of(name, on_ours=True)


OURS, BASELINE = "normbench, 2 processes", "Keras fit, 1 thread"
WAYS = {
    OURS: Way("normbench_sweep", fits=False),
    BASELINE: Way("fit_loop"),
    "Ray Tune, 2 processes": Way("ray_sweep", "ray"),
    "hydra-optuna-sweeper with joblib, 2 processes": Way("hydra_sweep", "hydra"),
}
HEADER = ["way", "seconds", "times faster than fit on 1 thread", "seconds over ours"]


def sweep_rows(
    folder: Path, model: str, count: int, *, epochs: int, examples: int, rounds: int
) -> list[list[str]]:
    """Return rows: way, seconds (median over rounds), fit's seconds over them, they over ours.

    Raises:
        Refusal: An environment could not be made.
        RuntimeError: A way failed, or came to other scores than Keras's fit in a loop.
    """
    pythons = {name: way.python() for name, way in WAYS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        scores = {}
        for name, way in WAYS.items():
            trials = sweep_trials(
                folder, model, count, *way.overrides, epochs=epochs, examples=examples
            )
            asked = {"folder": str(folder), "trials": [trial.plain() for trial in trials]}
            took, scores[name] = carried_out(pythons[name], way.script, asked)
            seconds[name].append(took)
        check_scores(scores)
    found = {name: median(each) for name, each in seconds.items()}
    return [
        [name, f"{took:.0f}", f"{found[BASELINE] / took:.1f}", f"{took / found[OURS]:.1f}"]
        for name, took in found.items()
    ]


def versions() -> str:
    """Return the peers' names and versions, as their environments are pinned."""
    found = [
        f"{name.partition('[')[0]} {version}"
        for way in WAYS.values()
        if way.environment
        for name, version in pins(way.environment).items()
    ]
    return ", ".join(found)


def carried_out(python: str, script: str, asked: dict) -> tuple[float, list[float]]:
    """Return the seconds from a script's start to its end, and the score of each trial.

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "scores").mkdir()
        (folder / "asked.json").write_text(json.dumps(asked))
        path = os.pathsep.join(str(Path(each).resolve()) for each in SEARCHED)
        began = time.perf_counter()
        done = subprocess.run(
            [python, str(PEERS / f"{script}.py"), scratch],
            capture_output=True,
            text=True,
            env=os.environ | QUIET | {"PYTHONPATH": path},
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"{script}.py failed: {(done.stderr or done.stdout)[-2000:]}")
        return seconds, scores_in(folder / "scores", len(asked["trials"]))


def scores_in(folder: Path, count: int) -> list[float]:
    """Return the scores of all trials.

    Raises:
        RuntimeError: There are not as many as trials, or one is no number.
    """
    found = {int(file.name): float(file.read_text()) for file in folder.iterdir()}
    if sorted(found) != list(range(count)) or not all(map(math.isfinite, found.values())):
        raise RuntimeError(f"{count} trials were asked, scored were {sorted(found)}")
    return [found[index] for index in range(count)]


def check_scores(scores: dict[str, list[float]]) -> None:
    """Hold all that train by Keras's fit to the same scores.

    Raises:
        RuntimeError: They differ.
    """
    for name, found in scores.items():
        if WAYS[name].fits and found != scores[BASELINE]:
            raise RuntimeError(f"{name}: other scores than {BASELINE}: it trained something else")
