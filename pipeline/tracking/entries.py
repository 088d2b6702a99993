"""The runs that should exist in MLflow, computed from a snapshot. Pure.

    study                 params of the study; metrics of its best trial and their means, of a
                          study without a winner the means alone
      trial 0, 1, ...     one per answer of the sweep, with its curves
      winner              mean metrics over fresh seeds; with the last one, its Keras model
        seed ...          one per answer of the confirmation
    report                the composed configuration, the analysis and the pages; the headline
                          figures as metrics, verdicts as tags
    run                   one training run from the command line, in an experiment of its own

A run is recognized by its `Identity`, which stands in its tags. Names begin
with model and arm, because MLflow's tables cut them after some 20 characters.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal

from pipeline.records import Answer, Cell, Result, Study, Trial
from pipeline.search.objective import winner
from pipeline.tracking.entry import Entry, Identity, Point, Span, study_identity, winner_identity
from pipeline.tracking.parameters import study_parameters, text, trial_parameters
from pipeline.tracking.snapshot import Clock, Snapshot

Kind = Literal["study", "trial", "winner", "seed", "report", "run"]


def entries(snapshot: Snapshot) -> tuple[Entry, ...]:
    """Return every run the snapshot asks for, parents before their children."""
    swept, confirmed = _by_study(snapshot.swept), _by_study(snapshot.confirmed)
    wanted: list[Entry] = []
    for study in snapshot.plan.studies.values():
        trials, seeds = swept[study.name], confirmed[study.name]
        wanted.append(_study_entry(study, trials, seeds, snapshot))
        wanted += [_leaf("trial", study, answer, snapshot) for answer in trials]
        winners: dict[Identity, list[Answer]] = defaultdict(list)
        for answer in seeds:
            winners[winner_identity(answer)].append(answer)
        for answers in winners.values():
            wanted.append(_winner_entry(study, answers, snapshot))
            wanted += [_leaf("seed", study, answer, snapshot) for answer in answers]
    return (*wanted, *_report_entry(snapshot))


def unplanned(snapshot: Snapshot) -> int:
    """Return how many answers belong to no study of the plan: it was composed anew since."""
    names = {study.name for study in snapshot.plan.studies.values()}
    return sum(answer.study not in names for answer in (*snapshot.swept, *snapshot.confirmed))


def _by_study(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    grouped: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        grouped[answer.study].append(answer)
    return grouped


def _study_entry(
    study: Study, trials: Sequence[Answer], seeds: Sequence[Answer], snapshot: Snapshot
) -> Entry:
    results = [answer.result for answer in trials]
    metrics: dict[str, float] = {}
    if results and study.design.has_winner:
        metrics |= results[winner(results)].metrics
    metrics |= {f"{name}_mean": value for name, value in means(trials).items()}
    metrics |= {name: value for name, value in means(seeds).items() if name.startswith("test_")}
    metrics["trials"] = len(trials)
    statuses = Counter[str](result.status for result in results)
    metrics |= {name: statuses[name] for name in ("diverged", "pruned")}
    return Entry(
        identity=study_identity(study.name),
        name=f"{study.model_name}/{study.arm}, {study.optimizer_name}, {study.dataset}, "
        f"{study.experiment}",
        parent=None,
        params=study_parameters(study),
        points=tuple(Point(name, value, 0) for name, value in metrics.items()),
        tags={"mlflow.source.name": f"normbench sweep {snapshot.plan.profile}"},
        dataset=(study.dataset, "validation"),
        span=_span(_clocks([*trials, *seeds], snapshot)),
    )


def run_entry(cell: Cell, trial: Trial, result: Result, clock: Clock | None) -> Entry:
    """Return a single training run: the same question again is the same run."""
    return Entry(
        identity=Identity("run", "", "", trial.key),
        name=f"{cell.model_name}/{cell.arm} seed {trial.seed}",
        parent=None,
        params=trial_parameters(cell, trial),
        points=_points(trial, result),
        tags={"mlflow.source.name": "normbench train", **_result_tags(trial, result, clock)},
        dataset=(trial.dataset, trial.split),
        span=_span([clock] if clock else []),
    )


def _leaf(kind: Kind, study: Study, answer: Answer, snapshot: Snapshot) -> Entry:
    trial, clock = answer.trial, snapshot.clocks.get(answer.key)
    command, number, parent = "sweep", f"trial {answer.index}", study_identity(study.name)
    if kind == "seed":
        command, number = "confirm", f"winner, seed {trial.seed}"
        parent = winner_identity(answer)
    return Entry(
        identity=Identity(kind, answer.study, str(answer.index), answer.key),
        name=f"{study.model_name}/{study.arm} {number}",
        parent=parent,
        params=trial_parameters(study, trial),
        points=_points(trial, answer.result),
        tags={
            "mlflow.source.name": f"normbench {command} {snapshot.plan.profile}",
            **_result_tags(trial, answer.result, clock),
        },
        dataset=(trial.dataset, trial.split),
        span=_span([clock] if clock else []),
    )


def _winner_entry(study: Study, answers: Sequence[Answer], snapshot: Snapshot) -> Entry:
    first = answers[0]
    seeds = " ".join(map(str, study.confirm_seeds))
    is_confirmed = len(answers) >= len(study.confirm_seeds)
    return Entry(
        identity=winner_identity(first),
        name=f"{study.model_name}/{study.arm} winner",
        parent=study_identity(study.name),
        params=trial_parameters(study, first.trial) | {"seed": "all", "confirm_seeds": seeds},
        points=tuple(Point(name, value, 0) for name, value in means(answers).items()),
        tags={
            "mlflow.source.name": f"normbench confirm {snapshot.plan.profile}",
            **_environment_tags([first.trial]),
        },
        dataset=(first.trial.dataset, first.trial.split),
        model=snapshot.models.get(study.name) if is_confirmed else None,
        environment=first.trial.environment,
        span=_span(_clocks(answers, snapshot)),
    )


def _report_entry(snapshot: Snapshot) -> tuple[Entry, ...]:
    if not snapshot.pages:
        return ()
    plan, answers = snapshot.plan, [*snapshot.swept, *snapshot.confirmed]
    ended = _span(_clocks(answers, snapshot)).ended
    return (
        Entry(
            identity=Identity("report", "", "", ""),
            name="report",
            parent=None,
            params={
                "profile": plan.profile,
                "studies": text(len(plan.studies)),
                "datasets": " ".join(sorted(plan.datasets)),
                **{
                    f"analysis.{name}": text(value) for name, value in plan.analysis.plain().items()
                },
            },
            points=tuple(
                Point(_speakable(name), value, 0)
                for name, value in snapshot.figures.items()
                if not isinstance(value, str)
            ),
            tags={
                "mlflow.source.name": f"normbench report {plan.profile}",
                **_environment_tags([answer.trial for answer in answers]),
                **{
                    _speakable(name): word
                    for name, word in snapshot.figures.items()
                    if isinstance(word, str)
                },
            },
            files=dict(snapshot.pages),
            span=Span(ended, ended),
        ),
    )


def means(answers: Sequence[Answer]) -> dict[str, float]:
    """Return each metric's mean over the answers that have it; a diverged run has no loss."""
    found: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        for name, value in answer.result.metrics.items():
            found[name].append(value)
    return {name: fmean(values) for name, values in found.items()}


def _speakable(name: str) -> str:
    """Return a name without the signs that MLflow takes in none: commas, colons, percents."""
    return re.sub(r"[^/\w.\- ]", "", name, flags=re.ASCII)


def _result_tags(trial: Trial, result: Result, clock: Clock | None) -> dict[str, str]:
    return {
        "normbench.status": result.status,
        "normbench.steps": str(result.steps),
        "normbench.weights_digest": result.weights_digest,
        **_environment_tags([trial]),
        **_clock_tags(clock),
    }


def _points(trial: Trial, result: Result) -> tuple[Point, ...]:
    """Curves with epochs as steps, but for values that are not finite; then the final metrics.

    A final metric takes the place of its curve's value at the last epoch that
    was trained: the two may differ (a diverged run scores what a model scores that
    knows nothing), and a run shows one.
    """
    last = max((len(curve) for curve in result.curves.values()), default=trial.epochs)
    metrics = result.metrics
    return tuple(
        Point(name, value, epoch)
        for name, curve in result.curves.items()
        for epoch, value in enumerate(curve, start=1)
        if value is not None and not (epoch == last and name in metrics)
    ) + tuple(Point(name, value, last) for name, value in metrics.items())


def _environment_tags(trials: Sequence[Trial]) -> dict[str, str]:
    """Versions and processor; several values side by side where trials differ."""
    values: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        for name, value in trial.environment.plain().items():
            values[f"normbench.{name}"].add(text(value))
    return {name: ", ".join(sorted(found)) for name, found in values.items()}


def _clock_tags(clock: Clock | None) -> dict[str, str]:
    if clock is None:
        return {}
    known = {
        "mlflow.source.git.commit": clock.commit,
        "normbench.dirty": clock.dirty,
        "normbench.host": clock.host,
    }
    return {name: value for name, value in known.items() if value}


def _clocks(answers: Sequence[Answer], snapshot: Snapshot) -> list[Clock]:
    return [snapshot.clocks[answer.key] for answer in answers if answer.key in snapshot.clocks]


def _span(clocks: Sequence[Clock]) -> Span:
    return Span(
        min((clock.started for clock in clocks), default=None),
        max((clock.started + clock.wall_seconds for clock in clocks), default=None),
    )
