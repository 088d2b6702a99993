"""Whole sweeps, each way in processes of its own on the same trials, slice after slice in turn.

Trials that share a graph stand together, for every way: so a sweep hands them to its workers
(`pipeline/execution/affinity.py`).
"""

import select
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from ways import Worker, sweep_trials, trial_of

from pipeline.execution.affinity import Affinity
from pipeline.execution.task import Task
from pipeline.records import Trial
from pipeline.training.engine import key_of
from pipeline.training.setting import arrays

WAYS = {  # name: (way, threads, processes)
    "engine, 1 process": ("engine", 1, 1),
    "engine, 2 processes": ("engine", 1, 2),
    "Keras fit, 1 thread": ("keras", 1, 1),
    "Keras fit, 2 threads (its default)": ("keras", 2, 1),
    "Keras fit, an epoch per execution": ("keras_epoch", 1, 1),
    "keras-tuner RandomSearch": ("keras_tuner", 1, 1),
}
BASELINE = "Keras fit, 1 thread"


def sweep(
    folder: Path, model: str, count: int, *, epochs: int, examples: int, rounds: int
) -> list[list[str]]:
    """Return rows (c): way, seconds for all trials, median over slices of how much faster."""
    trials = sweep_trials(folder, model, count, epochs=epochs, examples=examples)
    data = arrays(folder, trials[0].data_digest, "validation")
    trials.sort(key=lambda trial: (key_of(trial, data, 10, epsilon=False), trial.seed))
    size = -(-count // rounds)
    slices = [trials[start : start + size] for start in range(0, count, size)]
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    workers = {
        name: [Worker(way, threads) for _ in range(processes)]
        for name, (way, threads, processes) in WAYS.items()
    }
    try:
        for part in slices:
            for name, hands in workers.items():
                seconds[name].append(_run(hands, part, folder))
    finally:
        for hand in (hand for hands in workers.values() for hand in hands):
            hand.close()
    rows = []
    for name, found in seconds.items():
        pairs = zip(seconds[BASELINE], found, strict=True)
        rows.append([name, f"{sum(found):.0f}", f"{median(b / s for b, s in pairs):.1f}"])
    return rows


def _run(hands: Sequence[Worker], trials: Sequence[Trial], folder: Path) -> float:
    """Return the seconds until all trials are trained; several hands share them as a sweep does."""
    if len(hands) == 1:
        return float(hands[0].run(trials, folder)["seconds"])
    waiting = [
        Task("sweep", index, trial, folder, keep_model=False) for index, trial in enumerate(trials)
    ]
    affinity, busy = Affinity(), set[Worker]()
    started = time.perf_counter()
    while waiting or busy:
        for hand in hands:
            if hand in busy or not waiting:
                continue
            task = affinity.choose(waiting, str(id(hand)), {"sweep": len(waiting)})
            assert task is not None
            waiting.remove(task)
            affinity.note(task, str(id(hand)))
            hand.send([task.trial], folder)
            busy.add(hand)
        for hand in select.select(list(busy), [], [])[0]:
            hand.receive()
            busy.remove(hand)
    return time.perf_counter() - started


def memory(folder: Path, count: int) -> list[list[str]]:
    """Return rows (e): model, MB a worker holds after its first trial and after `count` trials."""
    rows = []
    for model in ("mlp", "cnn"):
        worker = Worker("engine")
        overrides = (f"model={model}", "norm=batch", "epochs=1", "examples=256", "batch_size=64")
        first = worker.run([trial_of(folder, *overrides, seed=0)], folder)
        later = worker.run(
            [trial_of(folder, *overrides, seed=seed) for seed in range(1, count)], folder
        )
        worker.close()
        held = [answer["rss_bytes"] / 2**20 for answer in (first, later)]
        rows.append([model, f"{held[0]:.0f}", f"{held[1]:.0f}", f"{held[1] - held[0]:+.0f}"])
    return rows
