"""A recurrent network: LSTM or GRU layers, their outputs normalized or the norms inside them."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from pipeline.errors import Refusal
from pipeline.models.norms import Norm
from pipeline.models.recurrence import NormalizedRecurrence

CELLS = {"lstm": (layers.LSTM, layers.LSTMCell), "gru": (layers.GRU, layers.GRUCell)}


def build(
    shape: tuple[int, ...],
    outputs: int,
    norm: Norm,
    *,
    cell: str,
    width: int,
    depth: int,
    rows_per_step: int,
    initializer: str,
    use_bias: bool,
    input_scale: float,
) -> keras.Model:
    """Return a model from pictures (h, w, c) or sequences (t, d) to so many outputs.

    The rows of a picture, or the points of a sequence, are read in order, `rows_per_step` of
    them at a time, by `depth` layers of `width` units; what the last one gives at the last step
    goes to the outputs. An arm stands behind each layer, over all time steps, or inside it:
    there Keras's layer gives way to `NormalizedRecurrence`. `use_bias` concerns the recurrent
    layers; the outputs always have a bias. Examples are multiplied by `input_scale`,
    unless it is 1. The last layer is called `logits` whatever the task: by its name its
    weights are seeded.

    Raises:
        Refusal: The examples are no sequence, or are not divided by `rows_per_step`; or the
            arm's batch statistics cannot stand inside.
    """
    steps = _steps(shape, rows_per_step)
    inputs = keras.Input(shape, name="examples")
    x = inputs if input_scale == 1 else layers.Rescaling(input_scale, name="input_scale")(inputs)
    x = layers.Reshape((steps, -1), name="sequence")(x)
    arguments = {"units": width, "use_bias": use_bias, "kernel_initializer": initializer}
    if cell == "lstm":
        arguments |= _open_forget_gates(width)
    for i in range(depth):
        if norm.is_inside:
            x = _normalized(norm, i, cell, arguments)(x)
        else:
            layer = CELLS[cell][0](**arguments, return_sequences=True, name=f"{cell}_{i}")
            x = norm(layer(x), name=f"norm_{i}")
    x = layers.Cropping1D((steps - 1, 0), name="last_step")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(inputs, x, name="rnn")


def _steps(shape: tuple[int, ...], rows_per_step: int) -> int:
    if len(shape) < 2:
        raise Refusal(
            f"model=rnn: takes pictures (h, w, c) or sequences (t, d), and these examples are of "
            f"shape {shape}; use model=mlp"
        )
    if shape[0] % rows_per_step:
        raise Refusal(
            f"model.rows_per_step={rows_per_step}: must divide the {shape[0]} rows of an example "
            f"of shape {shape}"
        )
    return shape[0] // rows_per_step


def _open_forget_gates(units: int) -> dict[str, Any]:
    """Return Keras's start of an LSTM's bias, one for the forget gates, said as a constant.

    Keras says it as a function, which could draw: whoever calls it sets TensorFlow's seed, and
    TensorFlow then forgets what it has optimized, seconds for each trial.
    """
    start = [0.0] * units + [1.0] * units + [0.0] * (2 * units)
    return {"unit_forget_bias": False, "bias_initializer": keras.initializers.Constant(start)}


def _normalized(norm: Norm, i: int, cell: str, arguments: dict[str, Any]) -> NormalizedRecurrence:
    """Return a layer with the arm inside; its cell's weights are called as those of Keras's."""
    places = ("input", "state", "cell") if cell == "lstm" else ("input", "state")
    norms = {f"{place}_norm": norm.inside(f"norm_{i}_{place}") for place in places}
    if any(isinstance(each, layers.BatchNormalization) for each in norms.values()):
        raise Refusal(
            "norm.placement=inside: a batch normalization whose statistics all time steps share "
            "fails at inference; take norm=batch_inside, which has them for each step"
        )
    made = CELLS[cell][1](**arguments, name=f"{cell}_cell")
    return NormalizedRecurrence(cell=made, **{"cell_norm": None, **norms}, name=f"{cell}_{i}")
