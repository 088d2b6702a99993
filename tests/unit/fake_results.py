"""Made-up results to any question with fixed settings, the same for the same question.

What is planted: a plain network diverges at rates that a normalized one stands, batch
norm loses at tiny batches and gains with depth, moving averages of a high momentum lag
behind, a large epsilon hurts dark inputs, and layer norm's outputs know nothing of the batch.
"""

from __future__ import annotations

import math

import numpy as np
from fake_answers import BEST, EXAMPLES, errors, share

from pipeline.records import Result, Trial
from pipeline.statistics.runs import steps_after

STANDS = {"none": 0.06, "batch": 0.9, "layer": 0.4}  # the highest rate, under Adam
LAG = {"mlp": 0.25, "cnn": 0.8}  # of accuracy, while averages have not moved


def fake_result(trial: Trial) -> Result:
    """Answer a question."""
    kind, model = kind_of(trial), trial.model.target.split(".")[-2]
    own = np.random.default_rng(int(trial.key[:8], 16))
    luck = np.random.default_rng(trial.seed).normal(0, 0.004)  # what pairing takes away
    rate = float(str(trial.optimizer.arguments["learning_rate"]))
    most = STANDS[kind] * (3 if trial.optimizer.target.endswith("SGD") else 1)
    diverged = rate > most * 10 ** float(own.normal(0, 0.1))
    level = BEST[model] + luck + float(own.normal(0, 0.003)) + _gain(trial, kind)
    level -= 0.02 * max(0.0, math.log10(rate / 0.01)) ** 2
    if trial.norm.layer is not None and trial.norm.layer.target.endswith(
        "FrozenGammaBatchNormalization"
    ):
        level = 0.1
    steps = steps_after(trial)
    climb = 4.0 if kind == "none" else 5.5
    true = [level * (1 - math.exp(-climb * step / steps[-1])) for step in steps]
    true = [share(value + float(own.normal(0, 0.004))) for value in true]
    lag = LAG[model] if kind == "batch" else 0.0

    def moving(momentum: float) -> list[float]:
        return [
            share(value - lag * momentum**step - 0.02 * (1 - momentum))
            for value, step in zip(true, steps, strict=True)
        ]

    momentum = _momentum(trial)
    curves: dict[str, list[float | None]] = {
        "training_score": [min(1.0, value + 0.01) for value in true],
        "training_loss": [2 * (1 - value) + 0.05 for value in true],
        "validation_score": [*moving(momentum)],
        "validation_loss": [2 * (1 - value) + 0.1 for value in true],
    }
    if trial.probes.statistics_curves:
        if kind == "batch":
            curves["validation_score_batch"] = [share(value + 0.002) for value in true]
            curves["validation_score_recalibrated"] = [*true]
        for shadow in trial.probes.shadow_momenta if kind == "batch" else ():
            curves[f"validation_score_momentum_{shadow:g}"] = [*moving(shadow)]
    metrics = _metrics(trial, kind, true[-1], moving(momentum)[-1])
    if diverged:
        curves = {name: [None] for name in curves}
        metrics = {
            name: 0.1 if "score" in name else value
            for name, value in metrics.items()
            if "score" in name or name == "parameters"
        }
    metrics |= errors(metrics)
    return Result.parse(
        {
            "steps": steps[-1],
            "epochs_asked": trial.epochs,
            "metrics": metrics,
            "curves": curves,
            "outcomes": {},
            "weights_digest": trial.key,
            "kernels": {"norm": "fused" if kind == "batch" else "keras", "optimizer": "raw"},
        }
    )


def kind_of(trial: Trial) -> str:
    """Return which family of arms a question is about, whatever the arm is called."""
    layer = trial.norm.layer
    if layer is None:
        return "none"
    return "layer" if "Layer" in layer.target else "batch"


def _momentum(trial: Trial) -> float:
    layer = trial.norm.layer
    return float(str(layer.arguments.get("momentum", 0.9))) if layer else 0.9


def _gain(trial: Trial, kind: str) -> float:
    """What normalization adds to the accuracy under this question's settings."""
    if kind == "none":
        return -0.01 * math.log2(float(str(trial.model.arguments.get("depth", 2))))
    gain = 0.012 if kind == "batch" else 0.01
    if kind == "batch" and trial.batch_size < 8:
        gain -= 0.06
    layer = trial.norm.layer
    assert layer is not None
    dark = float(str(trial.model.arguments.get("input_scale", 1.0))) < 0.1
    if dark and float(str(layer.arguments["epsilon"])) > 0.005:
        gain -= 0.05
    return gain if trial.norm.placement == "before" else gain - 0.002


def _metrics(trial: Trial, kind: str, true: float, moving: float) -> dict[str, float]:
    layer = trial.norm.layer
    spared = (
        0 if layer is None else sum(layer.arguments.get(n) is False for n in ("center", "scale"))
    )
    parameters = 1000 + (0 if layer is None else 384 * (2 - spared))
    metrics = {
        "parameters": float(parameters),
        "validation_score": moving,
        "validation_loss": 3 * (1 - moving),
    }
    if kind == "batch":
        metrics |= {
            "validation_score_recalibrated": true,
            "gap_batch": share(true + 0.002),
            "gap_moving": moving,
            "gap_recalibrated": true,
        }
    if trial.probes.independence_examples:
        metrics["output_change_training"] = 0.4 if kind == "batch" else 2e-7
        metrics["output_change_inference"] = 3e-7
    if trial.probes.single_examples and kind == "batch":
        metrics["validation_score_single"] = round(0.11 * EXAMPLES) / EXAMPLES
    return metrics
