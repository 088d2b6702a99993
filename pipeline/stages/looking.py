"""What a function of a user's is: a builder that takes the arm, or one that returns a model."""

from __future__ import annotations

import inspect
from importlib import import_module

from pipeline.components import resolve
from pipeline.errors import Refusal

GIVEN = ("shape", "outputs", "norm")


def takes_norm(model: str, path: str) -> bool:
    """Tell whether a function is a builder, which calls `norm` itself.

    Args:
        model: As it was named.
        path: Its dotted path.

    Raises:
        Refusal: It is no function, or needs arguments that nobody gives.
    """
    import_module("pipeline.training.determinism").configure("cpu", 1)  # before it imports Keras
    function = resolve(path)
    if not inspect.isfunction(function):
        raise Refusal(f"--model {model}: is a {type(function).__name__}, not a function")
    parameters = inspect.signature(function).parameters
    if "norm" not in parameters:
        return False
    needed = [
        name
        for name, each in parameters.items()
        if each.default is each.empty
        and name not in GIVEN
        and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if needed:
        raise Refusal(
            f"--model {model}: needs {needed[0]!r}, too; give it a default, or write a file of "
            "conf/model that says it, and name that"
        )
    return True
