"""One trial by plain Keras: `fit` with a whole epoch per execution. The engine's twin."""

from __future__ import annotations

from pathlib import Path

import keras

from pipeline.errors import Refusal
from pipeline.records import Trial
from pipeline.training.evaluation import batchwise, inference, with_moving_statistics
from pipeline.training.measure import Subject, Trained, result_of, validated
from pipeline.training.setting import (
    Watch,
    arrays,
    built,
    classes_of,
    decayed,
    is_over,
    order,
)
from pipeline.training.steps import keras_optimizer


def train(trial: Trial, folder: Path, watch: Watch | None = None) -> Trained:
    """Answer a trial from the arrays in `folder`.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.

    Raises:
        Refusal: The arrays are not those of the trial, or the model cannot be built.
    """
    if trial.probes.shadow_momenta:
        raise Refusal("probes.shadow_momenta: trainer=fit carries none; use trainer=engine")
    images, labels = arrays(folder, trial.data_digest, "train")
    model = built(trial, images.shape[1:], classes_of(folder))
    fitted = keras.Model(model.inputs, model.outputs)
    fitted.compile(
        optimizer=keras_optimizer(
            trial.optimizer, model.trainable_variables, decayed(trial, model)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        steps_per_execution=trial.examples // trial.batch_size,
        jit_compile=False,
    )
    infer, layers = inference(model), with_moving_statistics(model)

    curves: list[dict[str, float]] = []
    for epoch in range(trial.epochs):
        chosen = order(trial, epoch)
        history = fitted.fit(
            images[chosen],
            labels[chosen],
            batch_size=trial.batch_size,
            shuffle=False,
            verbose=0,
        ).history
        values = {
            "training_loss": float(history["loss"][0]),
            "training_accuracy": float(history["accuracy"][0]),
            **validated(trial, folder, infer),
        }
        curves.append(values)
        if watch is not None:
            watch(epoch, values)
        if is_over(trial, epoch, values):
            break

    kernels = {"norm": "keras" if trial.norm.layer else "none", "optimizer": "keras"}
    subject = Subject(model, infer, lambda: batchwise(model, layers), layers, kernels)
    return Trained(result_of(trial, folder, subject, curves), lambda: model)
