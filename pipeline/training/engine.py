"""One trial by compiled epochs: a whole epoch is one graph, and a graph serves many trials.

Examples and targets stay in memory as tensors; the graph gathers each batch by the
epoch's order and takes the step: forward, backward, update. The numbers in
which trials differ (learning rate, weight decay, BN momentum, epsilon off the
fused kernel) are variables, the batch size is a dimension of the order, and
weights are drawn again for each trial, so that trials of one model, arm and
optimizer share a graph. `fit.py` is the plain twin. For `trainer=compiled` the same epoch goes
through XLA, which knows its sizes: once for each batch size and number of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.components import build
from pipeline.records import Component, Trial
from pipeline.tasks.scoring import scoring_of
from pipeline.training.batch_norm import BatchNormalization
from pipeline.training.builder import kernels_beside
from pipeline.training.checkpoint import Weights
from pipeline.training.evaluation import (
    ByBatch,
    Passed,
    batchwise,
    inference,
    kept,
    with_moving_statistics,
)
from pipeline.training.graphs import Graphs, graph_key
from pipeline.training.loss import loss_of, tally_of
from pipeline.training.measure import Trained, result_of, trained_on, validated
from pipeline.training.outputs import Outputs, Subject
from pipeline.training.private_keras import layers_of, recurrence_kernel
from pipeline.training.probes import statistics_curves
from pipeline.training.setting import (
    Watch,
    built,
    component_without,
    decayed,
    is_over,
    order,
    output_count,
    plain,
    rows,
)
from pipeline.training.start import begin
from pipeline.training.steps import step
from pipeline.training.weights import FirstWeights

Data = tuple[tf.Tensor, tf.Tensor]

KERAS_BATCH_NORM = "keras.layers.BatchNormalization"


class Engine:
    """One graph and its state: model and optimizer. `restart` prepares it for a trial."""

    def __init__(self, trial: Trial, data: Data, outputs: int) -> None:
        make = partial(_layer, trial.probes.shadow_momenta)
        self.model = built(trial, tuple(data[0].shape[1:]), outputs, make)
        self._norms = [
            layer for layer in layers_of(self.model) if isinstance(layer, BatchNormalization)
        ]
        # on images epsilon chooses the kernel and belongs to it, whatever its size
        self.normalizes_images = any(len(layer.input.shape) == 4 for layer in self._norms)
        weights = self.model.trainable_variables
        self._step = step(trial.optimizer, weights, decayed(trial, self.model))
        self._first = FirstWeights(self.model, self._step.variables)
        scoring = scoring_of(trial.task)
        self._loss, self._tally = loss_of(scoring.loss), tally_of(scoring.tally)
        specs = [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in data]
        order_spec = tf.TensorSpec((None, None), tf.int64)
        compiled = trial.trainer == "compiled"
        signature = None if compiled else [*specs, order_spec]
        self._epoch = tf.function(
            self._traced_epoch, input_signature=signature, jit_compile=compiled or None
        )
        self._by_batch: ByBatch | None = None
        self.kernels = {
            **kernels_beside(trial, self.model),
            "norm": _norm_kernel(trial, self._norms),
            "optimizer": self._step.kernel,
            **recurrence_kernel(self.model),
        }
        self.subject = Subject(
            model=self.model,
            infer=inference(self.model),
            by_batch=self.by_batch,
            layers=with_moving_statistics(self.model),
            kernels=self.kernels,
        )

    def restart(self, trial: Trial, start: Weights | None = None) -> Subject:
        """Put every variable where a fresh build for this trial would have it; return the model.

        Raises:
            Refusal: The trial starts from weights that do not fit.
        """
        self._first.draw(trial.seed)
        begun = begin(trial, self.model, start)
        self._step.set(trial.optimizer)
        for layer in self._norms:
            numbers = trial.norm.layer.arguments if trial.norm.layer else {}
            layer.averages.set(float(numbers["momentum"]), float(numbers["epsilon"]))
            layer.averages.restart(layer.moving_mean, layer.moving_variance)
        return replace(self.subject, kernels={**self.kernels, **begun})

    def epoch(self, data: Data, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float32], float]:
        """Train one epoch, a step for each row of the chosen examples, shape (steps, batch size).

        Returns:
            The loss of each step, shape (steps,), and the sum of the task's tally.
        """
        losses, total = self._epoch(*data, tf.constant(chosen))
        return losses.numpy(), float(total)

    def by_batch(self, examples: NDArray[np.float32], batch_size: int) -> Passed:
        """Run the model in training mode, which normalizes by the batches themselves."""
        if self._by_batch is None:
            averages = [layer.averages for layer in self._norms]

            def switch() -> None:
                for each in averages:
                    each.take_all()

            variables = [variable for each in averages for variable in each.variables]
            self._by_batch = batchwise(self.model, self.subject.layers, switch, variables)
        return self._by_batch(examples, batch_size)

    def shadowed(self, trial: Trial, folder: Path) -> dict[str, float]:
        """Return the validation score under the averages of each further momentum."""
        found: dict[str, float] = {}
        for i, momentum in enumerate(trial.probes.shadow_momenta if self._norms else ()):
            with kept(self.model.non_trainable_variables):
                for layer in self._norms:
                    layer.averages.lend(i, layer.moving_mean, layer.moving_variance)
                outputs = Outputs(trial, folder, self.subject).moving("validation")
                values = validated(trial, folder, outputs)
            found[f"validation_score_momentum_{momentum:g}"] = values["validation_score"]
        return found

    def _traced_epoch(
        self, examples: tf.Tensor, targets: tf.Tensor, chosen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        steps, size = tf.unstack(tf.shape(chosen))
        count = tf.cast(size, tf.float32)
        losses = tf.TensorArray(tf.float32, steps)
        total = tf.constant(0.0, tf.float64)
        for i in tf.range(steps):
            batch, wanted = tf.gather(examples, chosen[i]), tf.gather(targets, chosen[i])
            loss, outputs = self._traced_step(batch, wanted, count)
            losses = losses.write(i, loss)
            total += tf.reduce_sum(tf.cast(self._tally(wanted, outputs), tf.float64))
        return losses.stack(), total

    def _traced_step(
        self, batch: tf.Tensor, targets: tf.Tensor, count: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = tf.cast(self.model(batch, training=True), tf.float32)
            loss = self._loss(targets, outputs, count)
            if self.model.losses:  # regularizers
                loss += tf.add_n(self.model.losses)
            scaled = self._step.scaled(loss)
        self._step.apply(tape.gradient(scaled, [w.value for w in self.model.trainable_variables]))
        return loss, outputs


def train(
    trial: Trial, folder: Path, watch: Watch | None = None, start: Weights | None = None
) -> Trained:
    """Answer a trial from the arrays in `folder`, on a graph that is kept for the next one.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.
        start: What the trial that this one starts from ended with; None where there is none.

    Raises:
        Refusal: The arrays are not those of the trial, or the model cannot be built or started so.
    """
    data, engine = _resident(folder, trial.data_digest), engine_of(trial, folder)
    subject = engine.restart(trial, start)
    curves: list[dict[str, float]] = []
    for epoch in range(trial.epochs):
        chosen = order(trial, epoch).reshape(-1, trial.batch_size)
        losses, total = engine.epoch(data, chosen)
        loss = float(np.mean(losses, dtype=np.float64))
        said = Outputs(trial, folder, subject)
        values = {
            **trained_on(trial, folder, loss, total / chosen.size),
            **validated(trial, folder, said.moving("validation")),
            **engine.shadowed(trial, folder),
            **statistics_curves(said),
        }
        curves.append(values)
        if watch is not None:
            watch(epoch, values)
        if is_over(trial, epoch, values):
            break

    shape = tuple(data[0].shape[1:])
    result = result_of(said, curves)
    return Trained(result, engine.model, lambda: plain(trial, shape, engine.model))


_graphs = Graphs[Engine]()
_takes_images: dict[str, bool] = {}  # by the key without epsilon: does the graph depend on it?


def engine_of(trial: Trial, folder: Path) -> Engine:
    """Return the engine of the trial's graph, for the arrays in `folder`.

    Raises:
        Refusal: The arrays are not those of the trial, or the model cannot be built.
    """
    outputs = output_count(folder, trial.data_digest)
    return engine_for(trial, _resident(folder, trial.data_digest), outputs)


def engine_for(trial: Trial, data: Data, outputs: int) -> Engine:
    """Return the engine of the trial's graph: kept from an earlier trial, or compiled now.

    Args:
        trial: The question.
        data: Its examples and targets, or others of their shapes.
        outputs: How many numbers the model gives for an example.
    """
    wide, narrow = (key_of(trial, data, outputs, epsilon=each) for each in (False, True))

    def made() -> tuple[str, Engine]:
        engine = Engine(trial, data, outputs)
        _takes_images[wide] = engine.normalizes_images
        return narrow if engine.normalizes_images else wide, engine

    return _graphs.find(narrow if _takes_images.get(wide, True) else wide) or _graphs.add(made)


def key_of(trial: Trial, data: Data, outputs: int, *, epsilon: bool) -> str:
    """Return the digest of what a trial's graph depends on, with BN's epsilon or without."""
    layer = trial.norm.layer
    if layer is not None and _is_ours(layer):
        layer = component_without(layer, "momentum", *([] if epsilon else ["epsilon"]))
    shapes = [list(each.shape[1:]) for each in data]
    return graph_key(trial, layer, outputs, shadows=trial.probes.shadow_momenta, shapes=shapes)


def _is_ours(layer: Component) -> bool:
    """Tell whether a layer is Keras's batch normalization, without what ours leaves to it."""
    known = layer.arguments.get
    return layer.target == KERAS_BATCH_NORM and not known("renorm") and not known("synchronized")


def _layer(shadows: Sequence[float], component: Component, **more: Any) -> Any:
    layer = build(component, **more)  # says what is wrong with the arguments, too
    if not _is_ours(component):
        return layer
    return BatchNormalization(shadows=shadows, **component.arguments, **more)


def _norm_kernel(trial: Trial, norms: list[BatchNormalization]) -> str:
    if trial.norm.layer is None:
        return "none"
    kernels = {"fused" if layer.fused(layer.input) else "formula" for layer in norms}
    return " and ".join(sorted(kernels)) or "keras"


@lru_cache(maxsize=2)
def _resident(folder: Path, data_digest: str) -> Data:
    examples, targets = rows(folder, data_digest, "train", slice(None))
    return tf.constant(examples), tf.constant(targets)
