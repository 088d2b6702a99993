"""NormWatch: what a model's norms do while anybody's `fit` trains it, an epoch at a time."""

from __future__ import annotations

import logging
import sys
from typing import Any

import keras
import numpy as np

from pipeline.diagnosis.examples import Examples, checked
from pipeline.diagnosis.graph import Graph, graph_of
from pipeline.diagnosis.measuring import distance
from pipeline.diagnosis.passes import (
    Array,
    Forward,
    all_outputs,
    by_averages,
    by_batch,
)
from pipeline.diagnosis.reading import batch_norms_of
from pipeline.diagnosis.recalibration import Statistics, forget, put, settle, statistics_of
from pipeline.diagnosis.scoring import Score
from pipeline.training.evaluation import CHUNK, averages_of, kept

LARGE = 0.05  # of the score
SURE = 3.0  # standard errors
UNEQUAL = 0.5  # of the outputs' standard deviation, where there is no score
log = logging.getLogger("normbench")


class NormWatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds a few figures on a model's batch norms to the logs of each epoch.

    - `norm_gap`: score by batch statistics less score by moving averages, of the same examples;
      without targets the distance of the outputs, in their standard deviations.
    - `norm_drift`: how far the moving means are from the population's, in its standard
      deviations: of the norm and the channel that are worst.
    - `norm_settled`: share of where the averages started that they have forgotten, at least.
    - `norm_effective_rate`: learning rate over the mean squared length of the filters that a norm
      makes scale-invariant (van Laarhoven, 2017); where the model shows what feeds its norms.

    The model is left as it was, to the bit. Where MLflow is imported and has an active run, the
    figures go there, too.

    Attributes:
        drifts: Of each norm by its path, after the last epoch.
    """

    def __init__(
        self, x: Any, y: Any = None, *, batch_size: int = 32, examples: int = 256, every: int = 1
    ) -> None:
        """Say what to watch with.

        Args:
            x: Examples that were not trained on, best; shape (n, ...).
            y: Their targets, for a gap in the score.
            batch_size: As in training.
            examples: How many of them are used.
            every: Epochs between two looks.
        """
        super().__init__()
        count = len(x)
        order = np.random.default_rng(0).permutation(count)[:examples]
        self._given = Examples(np.asarray(x)[order], None if y is None else np.asarray(y)[order])
        self._batch_size = min(batch_size, max(len(order), 1))
        self._every = every
        self._watched: _Watched | None = None
        self._has_warned = False
        self.drifts: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, and add the figures to the epoch's logs."""
        if (epoch + 1) % self._every:
            return
        figures = self.measure(self.model)
        if logs is not None:
            logs.update(figures)
        _to_mlflow(figures, epoch)

    def measure(self, model: keras.Model, *, steps: int | None = None) -> dict[str, float]:
        """Return the figures of a model as it is now: for a training loop of your own.

        Args:
            model: The model.
            steps: Of training so far; else its optimizer's, if it was compiled with one.

        Raises:
            Refusal: The model cannot be called on the examples.
        """
        if self._watched is None or self._watched.model is not model:
            self._watched = _Watched(model, self._given)
        watched = self._watched
        if not watched.layers:
            return {}
        figures, self.drifts, surely = watched.look(self._batch_size)
        optimizer = getattr(model, "optimizer", None)
        if steps is None and optimizer is not None:
            steps = int(optimizer.iterations.numpy())
        if steps is not None:
            slowest = max(each.momentum for each in watched.layers.values())
            figures["norm_settled"] = 1.0 - float(slowest) ** steps
        if optimizer is not None and (length := watched.squared_length()) is not None:
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            figures["norm_effective_rate"] = rate / length
        self._warn(figures, surely)
        return figures

    def _warn(self, figures: dict[str, float], surely: float) -> None:
        limit = max(LARGE, surely) if self._given.targets is not None else UNEQUAL
        if self._has_warned or figures["norm_gap"] <= limit:
            return
        self._has_warned = True
        worst = max(self.drifts, key=lambda path: self.drifts[path])
        gap = figures["norm_gap"]
        what = (
            f"{100 * gap:.0f} points of the score"
            if self._given.targets is not None
            else f"outputs {gap:.1f} deviations off"
        )
        log.warning(
            "NormWatch: validation is ruined by the moving averages (%s that batch statistics "
            "don't cost); those of %s are farthest off; lower momentum, train longer, or "
            "recalibrate(model, training_examples)",
            what,
            worst,
        )


class _Watched:
    """One model, compiled for its two ways to normalize, and its examples."""

    def __init__(self, model: keras.Model, given: Examples) -> None:
        self.model = model
        self.layers = batch_norms_of(model)
        self._examples = checked(model, given)
        if self.layers:
            self._use = by_averages(model, self._examples.examples)
            self._train: Forward = by_batch(
                model, self._examples.examples, list(self.layers.values())
            )
        self._kernels = _normalized(graph_of(model), self.layers)

    def look(self, batch_size: int) -> tuple[dict[str, float], dict[str, float], float]:
        """Return the figures, each norm's drift, and three standard errors of the gap."""
        layers = list(self.layers.values())
        examples, targets = self._examples.examples, self._examples.targets
        moving = [statistics_of(layer) for layer in layers]
        whole = examples[: len(examples) - len(examples) % batch_size]
        with kept(averages_of(layers)):
            forget([layer for layer in layers if layer.trainable])
            trained = settle(self._train, layers, whole, batch_size)
            found: list[Statistics] = [statistics_of(layer) for layer in layers]
            for layer, before in zip(layers, moving, strict=True):
                put(layer, before)
            used = all_outputs(self._use, whole, CHUNK)
        far = [distance(old, new)[0] for old, new in zip(moving, found, strict=True)]
        drifts = dict(zip(self.layers, far, strict=True))
        figures = {"norm_drift": max(far)}
        surely = 0.0
        if targets is None:
            spread = max(float(np.std(trained)), 1e-12)
            figures["norm_gap"] = float(np.sqrt(np.mean(np.square(trained - used)))) / spread
        else:
            score = Score(targets[: len(whole)], used)
            apart = score.each(trained) - score.each(used)
            figures["norm_gap"] = float(np.clip(np.mean(apart), -1e6, 1e6))
            surely = SURE * float(np.std(np.clip(apart, -1e6, 1e6))) / len(apart) ** 0.5
        return figures, drifts, surely

    def squared_length(self) -> float | None:
        """Return the mean squared length of the normalized filters; None where none is known."""
        lengths = [np.square(_rows(each)).sum(axis=0).mean() for each in self._kernels]
        return float(np.mean(lengths)) if lengths else None


def _normalized(graph: Graph, layers: dict[str, Any]) -> list[Any]:
    """Return the kernels that feed a norm directly: its output does not feel their length."""
    feeding = [
        graph.layers[each.path]
        for path in layers
        if path in graph.layers
        for each in graph.before(path)
        if not each.activation
    ]
    return [each.kernel for each in feeding if hasattr(each, "kernel")]


def _rows(kernel: Any) -> Array:
    values = kernel.numpy().astype(np.float64)
    rows: Array = values.reshape(-1, values.shape[-1])
    return rows


def _to_mlflow(figures: dict[str, float], epoch: int) -> None:
    """Write to the active run of an MLflow that somebody else imported."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        mlflow.log_metrics(figures, step=epoch)
