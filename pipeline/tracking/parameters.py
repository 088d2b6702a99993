"""A question as flat names and texts, the way MLflow's tables show it, by the names of conf/."""

from __future__ import annotations

from pipeline.content import canonical_json
from pipeline.records import Trial
from pipeline.studies import CellFields, Dimension, Study

LONGEST = 6000  # characters that MLflow takes of a value
NUMBERS = ("batch_size", "epochs", "examples", "seed", "device", "steps_per_epoch")


def text(value: object) -> str:
    """Return text as it is, anything else as JSON; as much of it as MLflow takes."""
    return (value if isinstance(value, str) else canonical_json(value))[:LONGEST]


def study_parameters(study: Study) -> dict[str, str]:
    """Return what holds for a whole study: its place, its design, its space or axes, its seeds."""
    own = {name: getattr(study.design, name) for name in ("trials", "lag", "seed")}
    design = {"proposer": study.design.proposer.target, **study.design.proposer.arguments, **own}
    return {
        "experiment": study.experiment,
        "dataset": study.dataset,
        **_setting(study, study),
        **({"start": study.start} if study.start else {}),
        **_probes(study),
        "seeds": _listed(study.seeds),
        **{f"design.{name}": text(value) for name, value in design.items()},
        **({"confirm_seeds": _listed(study.confirm_seeds)} if study.confirm_seeds else {}),
        **{f"space.{name}": _range(dimension) for name, dimension in study.space.items()},
        **{f"axes.{name}": ", ".join(map(text, values)) for name, values in study.axes.items()},
    }


def trial_parameters(cell: CellFields, trial: Trial) -> dict[str, str]:
    """Return one question, all but its environment, and of a study its probes, which it has."""
    return {
        **({"experiment": cell.experiment} if isinstance(cell, Study) else _probes(cell)),
        "dataset": trial.dataset,
        "data_digest": trial.data_digest,
        "split": trial.split,
        **_setting(cell, trial),
        **({"start": trial.start} if trial.start else {}),
        **({"thresholds": text(trial.thresholds)} if trial.thresholds else {}),
    }


def _setting(cell: CellFields, asked: CellFields | Trial) -> dict[str, str]:
    """Return names and words of the cell, and components and numbers of what is asked."""
    found = {"model": cell.model_name, "optimizer": cell.optimizer_name, "arm": cell.arm}
    found |= {"task.score": cell.task.score, "task.error": cell.task.error.noun}
    parts = [("task", cell.task.scoring), ("model", asked.model), ("optimizer", asked.optimizer)]
    for prefix, part in (*parts, ("norm", asked.norm.layer)):
        found[f"{prefix}.target"] = part.target if part else "none"
        for name, value in (part.arguments if part else {}).items():
            found[f"{prefix}.{name}"] = text(value)
    found["norm.placement"] = asked.norm.placement
    numbers = {name: getattr(asked, name) for name in NUMBERS}
    found |= {name: text(value) for name, value in numbers.items() if value is not None}
    return found


def _probes(cell: CellFields) -> dict[str, str]:
    return {f"probes.{name}": text(value) for name, value in cell.probes.plain().items()}


def _listed(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))[:LONGEST]


def _range(dimension: Dimension) -> str:
    grid = f", {dimension.points} points" if dimension.points else ""
    return f"{dimension.low!r} to {dimension.high!r}, {dimension.scale}{grid}"
