"""What a worker does with a trial: train it, and write the answer to the store itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

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
    trainer = _trainer(trial)
    result, model = trainer.train(trial, folder, watch)
    if keep_model:
        store.put_model(trial, lambda path: trainer.save_model(model, path))
    store.put(trial, result, clock(started))
    return result


def describe(trial: Trial, folder: Path) -> str:
    """Return the trial's model as a table of layers, shapes and parameters."""
    return _trainer(trial).summary(trial, folder)


def _trainer(trial: Trial) -> _Trainer:
    """Return what trains, once TensorFlow is set up: the settings must come before its import."""
    determinism = import_module("pipeline.training.determinism")
    determinism.configure(trial.device, trial.environment.threads)
    return cast("_Trainer", import_module("pipeline.training.fit"))


class _Trainer(Protocol):
    def train(self, trial: Trial, folder: Path, watch: Watch | None) -> tuple[Result, Any]: ...

    def save_model(self, model: Any, path: Path) -> None: ...

    def summary(self, trial: Trial, folder: Path) -> str: ...
