"""What a well-known argument may be, whichever class or function of ours or Keras's has it.

A class or function of a user's own may mean something else by `width` or `scale`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

Count = Annotated[int, Field(ge=1)]
Tally = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Proportion = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Scalar = bool | int | float | str | None
Argument = Scalar | tuple[Scalar, ...]

KNOWN = ("pipeline.", "keras.")  # whose arguments these are
ACTIVATIONS = ("elu", "gelu", "leaky_relu", "linear", "relu", "selu", "sigmoid", "silu", "tanh")

ARGUMENTS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter[Any](kind, config=ConfigDict(strict=True, allow_inf_nan=False))
    for name, kind in dict[str, Any](
        {
            "activation": Literal[*ACTIVATIONS],
            "actors": Count,
            "alpha": Positive | None,
            "amsgrad": bool,
            "application": str,
            "beta_1": Share,
            "beta_2": Share,
            "candidates": Count,
            "cell": Literal["gru", "lstm"],
            "center": bool,
            "constant_liar": bool,
            "dense": Count,
            "depth": Count,
            "discount": Share,
            "episode_steps": Count,
            "episodes": Count,
            "epsilon": Positive,
            "exploration_end": Proportion,
            "exploration_start": Proportion,
            "exploration_steps": Count,
            "frozen_norms": bool,
            "gamma": Annotated[float, Field(ge=0)],
            "growth": Positive,
            "groups": Annotated[int, Field(ge=-1)],
            "guessing_return": Positive,
            "initializer": Literal["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"],
            "input_scale": Positive,
            "kernel_size": Count,
            "learning_rate": Positive,
            "momentum": Share,
            "multivariate": bool,
            "nesterov": bool,
            "points": Annotated[int, Field(ge=1, le=10_000)],  # a grid lays out all of them
            "preactivation": bool,
            "pretrained": str | None,
            "prune_after": Count,
            "prune_minimum": Count,
            "prune_quantile": Share | None,
            "replay_capacity": Count,
            "rows_per_step": Count,
            "scale": bool,
            "scaled_branches": bool,
            "side": Count | None,
            "skips": bool,
            "startup_trials": Annotated[int, Field(ge=0)],
            "taper": Positive,
            "target_period": Count,
            "timeout_seconds": Positive,
            "use_bias": bool,
            "warmup_steps": Count,
            "weight_decay": Annotated[float, Field(ge=0)] | None,
            "width": Count,
            "workers": Count | None,
            "zero_gamma": bool,
        }
    ).items()
}


def checked(name: str, value: Argument) -> Argument:
    """Return an argument's value as its kind: 1 for a rate is 1.0. Unknown names pass.

    Raises:
        PydanticCustomError: The value is mistyped or out of range.
    """
    if name not in ARGUMENTS:
        return value
    try:  # JSON in, so that the rules are those of a file: 1 is a valid float, "1" is not
        kept: Argument = ARGUMENTS[name].validate_json(json.dumps(value))
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise PydanticCustomError(
            "argument", "{message}", {"argument": name, "message": message, "value": value}
        ) from None
    return kept
