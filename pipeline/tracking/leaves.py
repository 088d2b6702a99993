"""One answer as a run of MLflow: its question, its curves, its final metrics."""

from __future__ import annotations

import re
from typing import Literal

from pipeline.records import (
    Answer,
    Manifest,
    Result,
    Trial,
)
from pipeline.studies import Cell, Study
from pipeline.tracking.entry import Entry, Point
from pipeline.tracking.parameters import text, trial_parameters
from pipeline.tracking.snapshot import Clock, Snapshot

LeafKind = Literal["trial", "seed"]

SOURCE = "mlflow.source.name"


def leaf_name(kind: LeafKind, study: Study, answer: Answer) -> str:
    """Return what makes an answer's run the same run."""
    return f"{kind} {study.name} {answer.index} {answer.key}"


def leaf(kind: LeafKind, study: Study, answer: Answer, parent: str, snapshot: Snapshot) -> Entry:
    """Return the run of a trial of the sweep, or of a winner's seed."""
    trial, clock = answer.trial, snapshot.clocks.get(answer.key)
    is_seed = kind == "seed"
    number = f"winner, seed {trial.seed}" if is_seed else f"trial {answer.index}"
    command = f"normbench {'confirm' if is_seed else 'sweep'} {snapshot.plan.profile}"
    return Entry(
        name=leaf_name(kind, study, answer),
        title=f"{study.model_name}/{study.arm} {number}",
        parent=parent,
        params=trial_parameters(study, trial),
        points=_points(trial, answer.result),
        tags={SOURCE: command, **_tags(trial, answer.result, clock)},
        clocks=[clock] if clock else [],
        settled=True,
        dataset=snapshot.read_by(trial.dataset, trial.split),
    )


def run_entry(
    cell: Cell, trial: Trial, result: Result, clock: Clock | None, manifest: Manifest
) -> Entry:
    """Return a single training run: the same question again is the same run."""
    rate = cell.optimizer.arguments.get("learning_rate")
    told = [cell.optimizer_name, *([] if rate is None else [f"rate {text(rate)}"])]
    told += [f"batch {trial.batch_size}", f"{trial.epochs} epochs", f"seed {trial.seed}"]
    return Entry(
        name=f"run {trial.key}",
        title=f"{cell.model_name}/{cell.arm} {cell.dataset}, {', '.join(told)}",
        parent="",
        params=trial_parameters(cell, trial),
        points=_points(trial, result),
        tags={SOURCE: "normbench train", **_tags(trial, result, clock)},
        clocks=[clock] if clock else [],
        settled=True,
        dataset=(manifest, trial.split),
    )


def shown(metric: str) -> str:
    """Return what MLflow calls a metric: `gap_KIND` is a score under that kind of statistics."""
    return re.sub(r"^gap_(batch|moving|recalibrated)", r"score_\1_statistics", metric)


def environment_tags(trial: Trial) -> dict[str, str]:
    """Return versions, processor and code in one line."""
    found = trial.environment.plain()
    return {"normbench.environment": ", ".join(f"{name} {text(found[name])}" for name in found)}


def _points(trial: Trial, result: Result) -> tuple[Point, ...]:
    """Curves with epochs as steps, but for values that are not finite; then the final metrics.

    A final metric takes the place of its curve's value at the last epoch that
    was trained: the two may differ (a diverged run is scored at chance), and a
    run shows one.
    """
    last = max((len(curve) for curve in result.curves.values()), default=trial.epochs)
    metrics = result.metrics
    return tuple(
        Point(shown(name), value, epoch)
        for name, curve in sorted(result.curves.items())
        for epoch, value in enumerate(curve, start=1)
        if value is not None and not (epoch == last and name in metrics)
    ) + tuple(Point(shown(name), value, last) for name, value in sorted(metrics.items()))


def _tags(trial: Trial, result: Result, clock: Clock | None) -> dict[str, str]:
    tags = {
        "normbench.status": result.status,
        "normbench.steps": str(result.steps),
        "normbench.weights_digest": result.weights_digest,
        **environment_tags(trial),
    }
    if clock is not None:
        tags |= {"mlflow.source.git.commit": clock.commit, "normbench.dirty": clock.dirty}
        tags["normbench.host"] = clock.host
    return {name: value for name, value in tags.items() if value}
