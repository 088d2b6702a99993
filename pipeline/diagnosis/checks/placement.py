"""Where a norm stands: behind an activation, a bias or dropout, before a softmax, on which axis."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding

BENDING = ("relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "gelu", "silu", "swish")
ACTIVATIONS = ("ReLU", "Relu", "Relu6", "LeakyReLU", "PReLU", "ELU")
DROPOUTS = (
    *("Dropout", "AlphaDropout", "GaussianDropout"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
)
SOFTMAXES = ("Softmax", "LogSoftmax")


def wrong_axis(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Batch statistics along an axis that is not the channels'."""
    if not layer.is_by_batch or layer.axis is None or layer.rank is None or layer.rank < 3:
        return
    said = layer.upstream
    if said is None or said.channels_last is None:
        return
    right = layer.rank - 1 if said.channels_last else 1
    if layer.axis == right:
        return
    form = "last" if said.channels_last else "first"
    yield Finding(
        layer=layer.path,
        code="axis-not-channels",
        rank="harm",
        says=f"it normalizes along axis {layer.axis}, but {said.path} puts channels {form}",
        numbers={"axis": layer.axis, "channels_axis": right},
        why="rows of a picture, or steps, are normalized instead of features",
        line=f"keras.layers.BatchNormalization(axis={-1 if said.channels_last else 1})",
    )


def before_softmax(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """A norm whose output goes into the softmax."""
    for each in layer.behind:
        if each.kind in SOFTMAXES or (each.kind == "Activation" and each.activation == "softmax"):
            yield Finding(
                layer=layer.path,
                code="norm-before-softmax",
                rank="warning",
                says=f"it stands right before the softmax {each.path}",
                numbers={},
                why="logits of one scale limit how sure the model can be, batch by batch",
                line="logits = keras.layers.Dense(outputs)(x)  # nothing between it and softmax",
            )


def dropout_before(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """Dropout whose output is normalized by moving averages."""
    if not layer.is_by_batch:
        return
    for each in layer.before:
        if each.kind in DROPOUTS:
            yield Finding(
                layer=layer.path,
                code="dropout-before-norm",
                rank="warning",
                says=f"{each.path} stands right before it",
                numbers={},
                why=(
                    "dropout adds variance in training alone, so that the moving variance is "
                    "too large at inference (variance shift, Li et al., 2019)"
                ),
                line="x = keras.layers.Dropout(rate)(norm(x))  # behind the norm, or the last one",
            )


def after_activation(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """An activation whose output is normalized."""
    if not layer.is_by_batch:
        return
    for each in layer.before:
        if each.kind in ACTIVATIONS or each.activation in BENDING:
            name = each.activation or each.kind
            yield Finding(
                layer=layer.path,
                code="norm-after-activation",
                rank="note",
                says=f"it normalizes what the activation {name} of {each.path} gives",
                numbers={},
                why="the usual place is before the activation; behind it both have their advocates",
                line="x = keras.layers.ReLU()(keras.layers.BatchNormalization()(linear(x)))",
            )


def repeated_bias(layer: LayerFacts, _: Surroundings) -> Iterator[Finding]:
    """A bias that batch normalization takes away and beta repeats."""
    if not layer.is_by_batch or layer.beta is None:
        return
    for each in layer.before:
        if each.use_bias and not each.activation and each.serves == 1:
            yield Finding(
                layer=layer.path,
                code="bias-repeated",
                rank="note",
                says=f"{each.path} adds a bias that the norm takes away again",
                numbers={},
                why="beta repeats it: weights and memory for nothing",
                line="keras.layers.Conv2D(filters, 3, use_bias=False)  # before the norm",
            )
