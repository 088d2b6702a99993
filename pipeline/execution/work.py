"""What a worker does with a trial: train it, and write the answer to the store itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.execution.provenance import clock
from pipeline.execution.store import Store
from pipeline.records import Result, Trial

Watch = Callable[[int, dict[str, float]], None]


def answer(
    trial: Trial,
    store: Store,
    folder: Path,
    *,
    keep_model: bool = False,
    watch: Watch | None = None,
) -> Result:
    """Train a trial in this process, store what came out, and return it.

    Args:
        trial: The question.
        store: Where the answer goes.
        folder: The dataset's arrays.
        keep_model: Whether the trained model is stored too.
        watch: Called after each epoch with its index and the values of the curves.

    Raises:
        Refusal: The question cannot be answered as it stands.
        Contradiction: The store holds another answer to the same question.
    """
    started = time.time()
    trained = _module(trial, trial.trainer).train(trial, folder, watch)
    result: Result = trained.result
    if keep_model:
        save = _module(trial, "saved").save_model
        store.put_model(trial, lambda path: save(trained.model(), path))
    store.put(trial, result, clock(started))
    return result


def describe(trial: Trial, folder: Path) -> str:
    """Return the trial's model as a table of layers, shapes and parameters."""
    return str(_module(trial, "setting").summary(trial, folder))


def _module(trial: Trial, name: str) -> Any:
    """Return a module of the training room, once TensorFlow is set up.

    The settings must come before TensorFlow's import, so nothing of the room
    but `determinism` may be imported earlier.
    """
    import_module("pipeline.training.determinism").configure(
        trial.device, trial.environment.threads
    )
    return import_module(f"pipeline.training.{name}")
