"""What a model's builder returned, held to what a comparison of arms needs.

`weights` in a model's section says what becomes of weights that the builder brings, such as
those of a file: `keep` starts from them, `draw` draws them like all others. They are part of the
question by `weights_digest`, which stands beside `keep`.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from pipeline.components import build, resolve
from pipeline.errors import Refusal
from pipeline.models.anatomy import NORM_NAME
from pipeline.models.norms import norm_factory
from pipeline.records import Trial
from pipeline.tasks.scoring import scoring_of
from pipeline.training.determinism import use_our_keras_values
from pipeline.training.forms import graph_of
from pipeline.training.origins import Origin, brought, looked_on
from pipeline.training.private_keras import is_generator_state, layers_of
from pipeline.training.weights import by_path

Make = Callable[..., Any]

GIVEN = ("shape", "outputs", "norm")  # to a builder, by position
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
CHOICES = ("keep", "draw")
SQUASHING = ("softmax", "sigmoid")
# the one standardizes examples, the other a weight
NO_NORMS = (keras.layers.Normalization, keras.layers.SpectralNormalization)


def made(trial: Trial, shape: tuple[int, ...], outputs: int, make: Make, seed: int) -> keras.Model:
    """Return the trial's model as its builder made it, while all else that draws had a seed.

    Raises:
        Refusal: The builder does not take its arguments, or returned what cannot be compared.
    """
    _check_builder(trial.model.target)
    keras.utils.clear_session(free_memory=False)  # the engine collects when it drops a graph
    use_our_keras_values(trial.precision)
    keras.utils.set_random_seed(seed)

    def making(*arguments: Any, **more: Any) -> Any:
        layer = make(*arguments, **more)
        if isinstance(layer, keras.layers.Layer):
            layer.is_norms = True
        return layer

    arguments = dict(trial.model.arguments)
    choice = arguments.pop("weights") if arguments.get("weights") in CHOICES else None
    digest = arguments.pop("weights_digest", None) if choice else None
    component = trial.model.model_copy(update={"arguments": arguments})
    with looked_on() as origins:
        returned = build(component, shape, outputs, norm_factory(trial.norm, making))
        model = graph_of(trial.model.target, returned, shape)
    use_our_keras_values()  # the trial's precision, or the builder's choice, ends with it
    _check_outputs(trial, model, outputs)
    _check_norms(trial, model)
    _check_origins(trial, model, origins)
    _settle(trial, model, choice, digest)
    return model


def _check_builder(target: str) -> None:
    """Refuse what is no builder of models before it is called.

    Raises:
        Refusal: It is a class, or a function that does not name what a builder is given.
    """
    found = resolve(target)
    named: list[inspect.Parameter] = []
    later = inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found)
    if callable(found) and not inspect.isclass(found) and not later:
        with suppress(TypeError, ValueError):
            named = list(inspect.signature(found).parameters.values())
    if len([each for each in named if each.kind in POSITIONAL]) < len(GIVEN):
        raise Refusal(
            f"{target}: is no builder of models; that is a function build(shape, outputs, norm, "
            "*, ...) which returns a keras.Model"
        )


def _check_outputs(trial: Trial, model: keras.Model, outputs: int) -> None:
    target = trial.model.target
    if model.output_shape != (None, outputs):
        raise Refusal(
            f"{target} returned a model with outputs {model.output_shape}, but "
            f"{trial.dataset} asks for {(None, outputs)}"
        )
    last: Any = model
    while isinstance(last, keras.Model):
        last = (getattr(last, "operations", None) or last.layers)[-1]
    function = getattr(getattr(last, "activation", None), "__name__", type(last).__name__).lower()
    if scoring_of(trial.task).loss.arguments.get("from_logits") and function in SQUASHING:
        raise Refusal(
            f"{target} returned a model that ends in {function} ({last.name}), but {trial.dataset} "
            f"is trained on logits, to which the loss applies it: leave it out"
        )


def _check_norms(trial: Trial, model: keras.Model) -> None:
    layers = layers_of(model)
    if trial.norm.layer is None or any(hasattr(layer, "is_norms") for layer in layers):
        return
    own = own_norms(model)
    has = f"; its own are {own}" if own else ""
    raise Refusal(
        f"{trial.model.target} returned a model without a layer of norm's: all arms would be the "
        f"same network{has}; write x = norm(x, name=...) where a norm belongs, or take norm=none"
    )


def own_norms(model: keras.Model) -> str:
    """Return the names of layers that normalize and that the arm did not make, the first three."""
    layers = layers_of(model)
    arms = [layer for layer in layers if hasattr(layer, "is_norms")]
    known = {id(each) for layer in arms for each in (layer, *layers_of(layer))}
    own = [each.name for each in layers if id(each) not in known and _normalizes(each)]
    return f"{', '.join(own[:3])}{', ...' if own[3:] else ''}"


def kernels_beside(trial: Trial, model: keras.Model) -> dict[str, str]:
    """Return, under `beside_norm`, what else normalizes under an arm that is not the plain one."""
    own = own_norms(model) if trial.norm.layer is not None else ""
    return {"beside_norm": own} if own else {}


def _normalizes(layer: keras.Layer) -> bool:
    return not isinstance(layer, NO_NORMS) and bool(NORM_NAME.search(type(layer).__name__))


def _check_origins(trial: Trial, model: keras.Model, origins: dict[int, Origin]) -> None:
    for variable in model.variables:
        if id(variable) not in origins:
            raise Refusal(
                f"{trial.model.target} returned a model whose weight {variable.path} it had made "
                "before: training changes it for the next trial; make or load it within the "
                "function"
            )


def _settle(trial: Trial, model: keras.Model, choice: Any, asked: Any) -> None:
    """Let every variable start where the trial says: as it was brought, or as it is drawn."""
    carried = [
        (path, variable)
        for path, variable in by_path(model)
        if not is_generator_state(variable) and brought(variable)
    ]
    if not carried:
        return
    digest = hashlib.sha256()
    for path, variable in carried:
        value = np.ascontiguousarray(variable.numpy())
        digest.update(f"{path} {value.dtype} {value.shape}\n".encode() + value.tobytes())
    found = digest.hexdigest()[:16]
    if choice is None or (choice == "keep" and asked != found):
        than = f" than weights_digest={asked}" if asked is not None else ""
        raise Refusal(
            f"{trial.model.target} brings other weights{than} ({len(carried)}, such as "
            f"{carried[0][0]}): say in the model's section weights: keep and weights_digest: "
            f"'{found}' to start from them, or weights: draw to draw them from the seed"
        )
    for _, variable in carried:
        if choice == "keep":
            variable.origin = Origin(variable.numpy())
        elif variable.origin.initializer is None:
            variable.assign(variable.origin.first)
