"""A question as flat names and texts, the way MLflow's tables show it.

Names are those of conf/ (`optimizer.weight_decay`, `model.width`), except that
the three every study compares by are bare: learning_rate, momentum and epsilon
(the norm layer's; an optimizer's own stay `optimizer.momentum`).
"""

from __future__ import annotations

from pipeline.content import canonical_json
from pipeline.records import Arm, CellFields, Component, Design, Dimension, Study, Trial

BARE = {
    "optimizer.learning_rate": "learning_rate",
    "norm.momentum": "momentum",
    "norm.epsilon": "epsilon",
}


def text(value: object) -> str:
    """Return text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)


def study_parameters(study: Study) -> dict[str, str]:
    """Return what holds for a whole study: its place, its design, its space or axes, its seeds."""
    return {
        "experiment": study.experiment,
        "dataset": study.dataset,
        "model": study.model_name,
        "optimizer": study.optimizer_name,
        "arm": study.arm,
        "seeds": _listed(study.seeds),
        **_task(study),
        **_components(study.model, study.norm, study.optimizer),
        **_numbers(study),
        **_design(study.design),
        **({"confirm_seeds": _listed(study.confirm_seeds)} if study.confirm_seeds else {}),
        **{f"space.{name}": _range(dimension) for name, dimension in study.space.items()},
        **{f"axes.{name}": ", ".join(map(text, values)) for name, values in study.axes.items()},
    }


def trial_parameters(cell: CellFields, trial: Trial) -> dict[str, str]:
    """Return one question of a cell or study, all but its environment."""
    return {
        **({"experiment": cell.experiment} if isinstance(cell, Study) else {}),
        "dataset": trial.dataset,
        "model": cell.model_name,
        "optimizer": cell.optimizer_name,
        "arm": cell.arm,
        "data_digest": trial.data_digest,
        "split": trial.split,
        **_task(cell),
        **_components(trial.model, trial.norm, trial.optimizer),
        **_numbers(trial),
        **({"thresholds": text(trial.thresholds)} if trial.thresholds else {}),
    }


def _task(cell: CellFields) -> dict[str, str]:
    scoring, words = cell.task.scoring, {"score": cell.task.score, "error": cell.task.error.noun}
    return {
        "task.target": scoring.target,
        **{f"task.{name}": text(value) for name, value in scoring.arguments.items()},
        **{f"task.{name}": word for name, word in words.items()},
    }


def _components(model: Component, norm: Arm, optimizer: Component) -> dict[str, str]:
    found = {
        "model.target": model.target,
        "optimizer.target": optimizer.target,
        "norm.target": norm.layer.target if norm.layer else "none",
        "norm.placement": norm.placement,
    }
    parts = {"model": model, "optimizer": optimizer, "norm": norm.layer}
    for prefix, part in parts.items():
        for name, value in (part.arguments if part else {}).items():
            dotted = f"{prefix}.{name}"
            found[BARE.get(dotted, dotted)] = text(value)
    return found


def _numbers(question: Study | Trial) -> dict[str, str]:
    probes = {f"probes.{name}": text(value) for name, value in question.probes.plain().items()}
    steps = question.steps_per_epoch
    return probes | {
        **({} if steps is None else {"steps_per_epoch": text(steps)}),
        "batch_size": text(question.batch_size),
        "epochs": text(question.epochs),
        "examples": text(question.examples),
        "seed": text(question.seed),
        "device": question.device,
    }


def _design(design: Design) -> dict[str, str]:
    own = {"trials": design.trials, "lag": design.lag, "seed": design.seed}
    shown = {"proposer": design.proposer.target, **design.proposer.arguments, **own}
    return {f"design.{name}": text(value) for name, value in shown.items()}


def _listed(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))


def _range(dimension: Dimension) -> str:
    grid = f", {dimension.points} points" if dimension.points else ""
    return f"{dimension.low!r} to {dimension.high!r}, {dimension.scale}{grid}"
