"""What contract tests train: every model with every arm that fits it, and every optimizer.

A model that is much to train is made small, and most of its arms are slow proofs.
"""

import itertools
from pathlib import Path

import pytest

ARMS = sorted(file.stem for file in Path("conf/norm").glob("*.yaml"))
MODELS = sorted(  # one of each builder: a file that starts from another has the same one
    file.stem for file in Path("conf/model").glob("*.yaml") if "_target_" in file.read_text("utf-8")
)
OPTIMIZERS = sorted(file.stem for file in Path("conf/optimizer").glob("*.yaml"))

INSIDE = [arm for arm in ARMS if "\nplacement: inside" in Path(f"conf/norm/{arm}.yaml").read_text()]
BESIDE = [arm for arm in ARMS if arm not in INSIDE]  # they fit every model
WITH_RECURRENCE = ("rnn",)

SMALL = {
    "cnn_deep": ("model.depth=8",),
    "keras_application": (
        "model.application=MobileNetV2",
        "model.alpha=0.35",
        "model.dense=32",
    ),
    "mlp_residual": ("model.depth=4",),
    "rnn": ("model.rows_per_step=4", "model.width=16"),
}
QUICK = {  # arms that are trained in minutes, where they are not all
    "cnn": ("none", "batch", "batch_after", "batch_frozen", "layer", "group"),
    "cnn_deep": (),
    "keras_application": (),  # test_keras_application.py trains it
    "mlp_residual": ("batch",),
    "resnet": ("batch",),
    "rnn": ("none", "batch", "layer_inside", "batch_inside"),
    "variant": ("none", "batch", "group"),
}
QUICK_WITH_ADAM = {"mlp": ("none", "batch", "layer"), "cnn": ("batch",)}  # it knows nothing of arms
QUICK_ARMS = {"batch_fast": (), "batch_joint": ("mlp",)}  # differ from another in a number, a flag


def overrides(model: str, arm: str, *optimizer: str) -> list[str]:
    """Return what chooses a case on the command line."""
    chosen = [f"optimizer={name}" for name in optimizer]
    return [f"model={model}", *SMALL.get(model, ()), f"norm={arm}", *chosen]


def cases(*more: list[str]) -> list:
    """Return pairs of a model and an arm that fits it, times more."""
    return [
        pytest.param(
            model, arm, *rest, marks=pytest.mark.slow if is_slow(model, arm, *rest) else ()
        )
        for model, arm, *rest in itertools.product(MODELS, ARMS, *more)
        if fits(model, arm)
    ]


def fits(model: str, arm: str) -> bool:
    """Tell whether a model has the arm's place."""
    return arm in BESIDE or model in WITH_RECURRENCE


def is_slow(model: str, arm: str, *optimizer: str) -> bool:
    """Tell whether a case is left to the slow proofs."""
    if model not in QUICK_ARMS.get(arm, (model,)):
        return True
    if "adam" in optimizer:
        return arm not in QUICK_WITH_ADAM.get(model, ())
    return arm not in QUICK.get(model, (arm,))


def partly(values: list[tuple], quick: list[tuple]) -> list:
    """Return all values as parameters; those that are not among the quick ones are slow proofs."""
    return [
        pytest.param(*value, marks=[pytest.mark.slow] * (value not in quick)) for value in values
    ]
