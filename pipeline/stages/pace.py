"""What a run takes, measured: a few short ones of each arm, in a process that ends with it."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from pipeline.data.arrays import read_manifest
from pipeline.errors import Refusal
from pipeline.execution.precision import environment_of
from pipeline.execution.work import training_module
from pipeline.records import Result
from pipeline.search.questions import components, question
from pipeline.stages.named_code import told_in_one_line
from pipeline.stages.sizing import Pace, batch_sizes
from pipeline.studies import Cell

R = TypeVar("R")

ENOUGH_SECONDS = 0.3  # of steps, to tell what one takes
MOST_STEPS = 512
LEAST_SECONDS = 1e-6
FUSED = "fused"  # the kernel whose epsilon belongs to a graph
EPSILONS = 5  # that are tried with it: conf/model, `grid`


def apart(function: Callable[..., R], *arguments: Any) -> R:
    """Return what a function gives in a process of its own, whose memory is free again then.

    Raises:
        Refusal: The process was ended.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_leave_interrupts) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            raise Refusal(
                "the process that looked at the model was ended, as where it needs more memory "
                "than there is; make the model smaller"
            ) from None
        except KeyboardInterrupt:
            for child in multiprocessing.active_children():
                child.kill()
            raise


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for this process ends it


def paces(cells: Mapping[str, Cell], folder: Path) -> dict[str, Pace | str]:
    """Return what each arm takes, or in one line why it cannot be trained.

    Args:
        cells: By arm, one setting of each.
        folder: The dataset's arrays.
    """
    found: dict[str, Pace | str] = {}
    for arm, cell in cells.items():
        try:
            with told_in_one_line(part.target for part in components(cell)):
                found[arm] = _pace(cell, folder)
        except Refusal as refusal:
            found[arm] = str(refusal)
    return found


def _pace(cell: Cell, folder: Path) -> Pace:
    """Measure one arm: differences of runs that differ in one thing each."""
    sizes = list(batch_sizes(cell.examples))
    small, large = sizes[0], sizes[-1]
    setup, kernel = _timed(cell, folder, small, 1, 1)
    once, _ = _timed(cell, folder, small, 1, 1)
    thrice, _ = _timed(cell, folder, small, 3, 1)
    of_small = _step(cell, folder, small, once)
    of_large = _step(cell, folder, large, once)
    example = max(0.0, (of_large - of_small) / (large - small))
    epoch = (thrice - once) / 2
    return Pace(
        setup=max(0.0, setup - once),
        run=max(LEAST_SECONDS, once - epoch),
        epoch=max(LEAST_SECONDS, epoch - of_small),
        step=max(LEAST_SECONDS, of_small - small * example),
        example=example,
        graphs=EPSILONS if FUSED in kernel else 1,
    )


def _step(cell: Cell, folder: Path, size: int, once: float) -> float:
    """Return the seconds of a step, of as many as tell; `once` is a run of one small one."""
    steps = 4
    while True:
        took = _timed(cell, folder, size, 1, steps)[0] - once
        if took >= ENOUGH_SECONDS or steps >= MOST_STEPS:
            return max(LEAST_SECONDS, took / (steps - 1))
        steps *= 4


def _timed(cell: Cell, folder: Path, size: int, epochs: int, steps: int) -> tuple[float, str]:
    """Return the seconds of a run, and which kernel normalized."""
    asked = cell.placed({"batch_size": size}).model_copy(
        update={"epochs": epochs, "steps_per_epoch": steps}
    )
    trial = question(
        asked,
        data_digest=read_manifest(folder).digest,
        environment=environment_of(asked),
        seed=asked.seed,
        split="validation",
    )
    train = training_module(trial, trial.trainer).train
    started = time.perf_counter()
    result: Result = train(trial, folder).result
    return time.perf_counter() - started, result.kernels.get("norm", "")
