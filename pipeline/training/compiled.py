"""One trial by the engine's epochs, compiled by XLA: a step's many small operations become few.

It rounds otherwise than the engine, so that it is another question. What is measured after an
epoch is measured as the engine does it. XLA compiles for each batch size and number of steps,
which takes seconds, and stays with the graph for the trials that follow.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from pipeline.errors import Refusal
from pipeline.records import Trial
from pipeline.training import engine
from pipeline.training.checkpoint import Weights
from pipeline.training.measure import Trained
from pipeline.training.private_keras import layers_of
from pipeline.training.setting import Watch


def train(
    trial: Trial, folder: Path, watch: Watch | None = None, start: Weights | None = None
) -> Trained:
    """Answer a trial from the arrays in `folder`, as `engine.train` does.

    Raises:
        Refusal: As there; or the model has a convolution, or XLA does not take it.
    """
    try:
        _check_model(trial, engine.engine_of(trial, folder).model)
        return engine.train(trial, folder, watch, start)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        said = error.message.splitlines()[0]
        raise Refusal(
            f"trainer=compiled: XLA does not compile {trial.model.target}: {said}; "
            "use trainer=engine"
        ) from None


def _check_model(trial: Trial, model: keras.Model) -> None:
    for layer in layers_of(model):
        if "Conv" in type(layer).__name__:
            raise Refusal(
                f"trainer=compiled: {trial.model.target} has a convolution ({layer.name}), which "
                "takes XLA several times as long on a processor; use trainer=engine"
            )
