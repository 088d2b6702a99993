"""What a worker does with a trial: train it, and write the answer to the store itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal
from pipeline.execution.environment import environment
from pipeline.execution.kept import whole_weights
from pipeline.execution.keys import SHOWN
from pipeline.execution.provenance import clock
from pipeline.execution.store import Store
from pipeline.execution.task import Task
from pipeline.records import (
    Component,
    Environment,
    Manifest,
    Result,
    Trial,
)
from pipeline.search.questions import components
from pipeline.training.checkpoint import Weights

Watch = Callable[[int, dict[str, float]], None]
_one_at_a_time = threading.Lock()  # graphs and settings belong to the process


def work(task: Task, store: Store) -> Result:
    """Return a task's result: looked up, or trained now and stored.

    Raises:
        Refusal: The question cannot be answered as it stands, or not by this process.
        Contradiction: The store holds another answer to the same question.
    """
    with _one_at_a_time:
        return _worked(task, store)


def _worked(task: Task, store: Store) -> Result:
    trial = task.trial
    known = store.get(trial)  # another sweep may have been faster
    if known is not None and not (task.keep_model and not store.keeps_model(trial.key, known)):
        return known
    _check_environment(trial)
    start = None
    if task.start is not None:
        _worked(task.start, store)  # looked up, unless it was lost meanwhile
        start = weights_of(task.start.trial.key, store)
    return answer(trial, store, task.folder, keep_model=task.keep_model, start=start)


def weights_of(key: str, store: Store) -> Weights:
    """Return the weights that a stored trial ended with, held to the digest of its answer.

    Raises:
        Refusal: There is no such answer, or its weights are not kept, or not whole.
    """
    _, result = store.read(key)
    found = whole_weights(store.weights(key), result.weights_digest)
    if found is None:
        raise Refusal(
            f"{store.root}: keeps no weights of trial {key[:SHOWN]} to start from; train it again "
            f"with --save FILE.keras (normbench show {key[:SHOWN]} says what it asks)"
        )
    return found


def answer(
    trial: Trial,
    store: Store,
    folder: Path,
    *,
    keep_model: bool = False,
    watch: Watch | None = None,
    start: Weights | None = None,
) -> Result:
    """Train a trial in this process, store what came out, and return it.

    Args:
        trial: The question.
        store: Where the answer goes.
        folder: The dataset's arrays.
        keep_model: Whether the trained model is stored too.
        watch: Called after each epoch with its index and the values of the curves.
        start: The weights of the trial that this one starts from.

    Raises:
        Refusal: The question cannot be answered as it stands.
        Contradiction: The store holds another answer to the same question.
    """
    assert (trial.start is None) == (start is None)
    started = time.time()
    trained = training_module(trial, trial.trainer).train(trial, folder, watch, start)
    result: Result = trained.result
    if keep_model:
        save = training_module(trial, "saved").save_model
        store.put_weights(trial, trained.weights())
        store.put_model(trial, lambda path: save(trained.model(), path))
    store.put(trial, result, clock(started))
    return result


def loaded_answers(
    model: Path, examples: NDArray[np.float32], manifest: Manifest
) -> NDArray[np.float32]:
    """Return what a saved model gives for examples (n, ...), shape (n, outputs); on the CPU.

    Raises:
        Refusal: It cannot be loaded, or does not fit the dataset.
    """
    import_module("pipeline.training.determinism").configure("cpu", 1)
    saved = import_module("pipeline.training.saved")
    found: NDArray[np.float32] = saved.answers(model, examples, manifest.shape, manifest.outputs)
    return found


def training_module(trial: Trial, name: str) -> Any:
    """Return a module of the training room, once TensorFlow is set up as the trial asks.

    The settings must come before TensorFlow's import, so nothing of the room
    but `determinism` may be imported earlier.

    Raises:
        Refusal: The trial's device is not there, or TensorFlow already runs otherwise.
    """
    import_module("pipeline.training.determinism").configure(
        trial.device, trial.environment.threads
    )
    return import_module(f"pipeline.training.{name}")


def describe(trial: Trial, folder: Path) -> str:
    """Return the trial's model as a table of layers, shapes and parameters."""
    return str(training_module(trial, "setting").summary(trial, folder))


def _check_environment(trial: Trial) -> None:
    here = _environment(tuple(part.target for part in components(trial)), trial.trainer)
    there = trial.environment
    for name in Environment.model_fields:
        if (mine := getattr(here, name)) != (asked := getattr(there, name)):
            raise Refusal(
                f"this worker's {name} is {mine}, but the sweep's is {asked}: its digits would be "
                "the answer to another question; let workers and sweep run the same code on the "
                "same kind of machine"
            )


@lru_cache(maxsize=64)
def _environment(targets: tuple[str, ...], trainer: str) -> Environment:
    named = [Component(target=target, arguments={}) for target in targets]
    return environment(named, trainer)
