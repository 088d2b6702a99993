"""One trial by plain Keras: `fit` with a whole epoch per execution. The engine's twin."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import keras
import tensorflow as tf

from pipeline.components import build, resolve
from pipeline.errors import Refusal
from pipeline.records import Trial
from pipeline.tasks.scoring import scoring_of
from pipeline.training.builder import kernels_beside
from pipeline.training.checkpoint import Weights
from pipeline.training.evaluation import (
    Passed,
    batchwise,
    inference,
    with_moving_statistics,
)
from pipeline.training.measure import Trained, result_of, trained_on, validated
from pipeline.training.outputs import Outputs, Subject
from pipeline.training.private_keras import recurrence_kernel
from pipeline.training.probes import statistics_curves
from pipeline.training.setting import (
    Examples,
    Targets,
    Watch,
    built,
    decayed,
    is_over,
    order,
    output_count,
    rows,
    shape_of,
    steps_of,
)
from pipeline.training.start import begin
from pipeline.training.steps import keras_optimizer


def train(
    trial: Trial, folder: Path, watch: Watch | None = None, start: Weights | None = None
) -> Trained:
    """Answer a trial from the arrays in `folder`.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.
        start: What the trial that this one starts from ended with; None where there is none.

    Raises:
        Refusal: The arrays are not those of the trial, or the model cannot be built or started so.
    """
    if trial.probes.shadow_momenta:
        raise Refusal("probes.shadow_momenta: trainer=fit carries none; use trainer=engine")
    digest, scoring = trial.data_digest, scoring_of(trial.task)
    model = built(trial, shape_of(folder, digest), output_count(folder, digest))
    begun = begin(trial, model, start)
    fitted = keras.Model(model.inputs, model.outputs)
    fitted.compile(
        optimizer=keras_optimizer(
            trial.optimizer, model.trainable_variables, decayed(trial, model)
        ),
        loss=build(scoring.loss),
        metrics=[keras.metrics.MeanMetricWrapper(resolve(scoring.tally), name="tally")],
        # no execution reads beyond its epoch, so the longest one's number fits all
        steps_per_execution=max(steps_of(trial, epoch) for epoch in range(trial.epochs)),
        jit_compile=False,
    )
    subject = _subject(trial, model, begun)

    curves: list[dict[str, float]] = []
    for epoch in range(trial.epochs):
        examples, targets = rows(folder, digest, "train", order(trial, epoch))
        batches = _batches(examples, targets, trial.batch_size)
        history = fitted.fit(batches, shuffle=False, verbose=0).history
        said = Outputs(trial, folder, subject)
        values = {
            **trained_on(trial, folder, float(history["loss"][0]), float(history["tally"][0])),
            **validated(trial, folder, said.moving("validation")),
            **statistics_curves(said),
        }
        curves.append(values)
        if watch is not None:
            watch(epoch, values)
        if is_over(trial, epoch, values):
            break

    return Trained(result_of(said, curves), model, lambda: model)


def _batches(examples: Examples, targets: Targets, batch_size: int) -> tf.data.Dataset:
    """Return whole batches in the order of the examples.

    Their size stays open in the graph, as it does in the engine's: where TensorFlow knows over
    how many values a mean goes, it multiplies by a rounded reciprocal instead of dividing.
    """
    resident = tf.constant(examples), tf.constant(targets)

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        start = number * batch_size
        return tuple(each[start : start + batch_size] for each in resident)

    return tf.data.Dataset.range(len(targets) // batch_size).map(batch)


def _subject(trial: Trial, model: keras.Model, begun: dict[str, str]) -> Subject:
    layers = with_moving_statistics(model)
    compiled = cache(lambda: batchwise(model, layers))

    def by_batch(examples: Examples, batch_size: int) -> Passed:
        return compiled()(examples, batch_size)

    kernels = {
        **kernels_beside(trial, model),
        "norm": "keras" if trial.norm.layer else "none",
        "optimizer": "keras",
        **recurrence_kernel(model),
        **begun,
    }
    return Subject(model, inference(model), by_batch, layers, kernels)
