"""The runs that should exist in MLflow, computed from a snapshot: the same for every stage.

    study                 params of the study; over its trials, the best score so far or the mean;
                          with the last one, metrics of the best trial and means over all
      trial 0, 1, ...     one per answer of the sweep, with its curves
      winner              with the last seed, mean metrics and the Keras model
        seed ...          one per answer of the confirmation
    report                the composed configuration, the analysis and the pages; the headline
                          figures as metrics, verdicts as tags

Titles begin with model and arm, because MLflow's tables cut them after some 20 characters.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from statistics import fmean

from pipeline.content import content_digest
from pipeline.records import Answer, Result
from pipeline.search.objective import objective, winner
from pipeline.studies import Study
from pipeline.tracking.entry import FILES_DIGEST, MODEL_DIGEST, Entry, Point, SavedModel
from pipeline.tracking.leaves import SOURCE, LeafKind, environment_tags, leaf, leaf_name, shown
from pipeline.tracking.notes import NOTE, study_note, winner_note
from pipeline.tracking.parameters import study_parameters, text, trial_parameters
from pipeline.tracking.snapshot import Snapshot

REPORT = "report"  # the run's name


def entries(snapshot: Snapshot, but: Collection[str] = ()) -> tuple[Entry, ...]:
    """Return every run the snapshot asks for, parents before their children.

    Args:
        snapshot: The profile so far.
        but: Names of runs of single answers that are left out: they never change.

    Raises:
        OSError: A page or a model cannot be read for its digest.
    """
    swept, confirmed = _by_study(snapshot.swept), _by_study(snapshot.confirmed)
    wanted: list[Entry] = []
    for study in snapshot.plan.studies.values():
        trials, seeds = swept[study.name], confirmed[study.name]
        top = _study_entry(study, trials, seeds, snapshot)
        wanted += [top, *_leaves("trial", study, trials, top.name, snapshot, but)]
        winners: dict[str, list[Answer]] = defaultdict(list)
        for answer in seeds:
            winners[content_digest(answer.trial.plain() | {"seed": None})].append(answer)
        for question, answers in winners.items():
            middle = _winner_entry(study, question, answers, snapshot)
            wanted += [middle, *_leaves("seed", study, answers, middle.name, snapshot, but)]
    return (*wanted, *report_entries(snapshot))


def _leaves(
    kind: LeafKind,
    study: Study,
    answers: Sequence[Answer],
    parent: str,
    snapshot: Snapshot,
    but: Collection[str],
) -> Iterator[Entry]:
    for answer in answers:
        if leaf_name(kind, study, answer) not in but:
            yield leaf(kind, study, answer, parent, snapshot)


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
    study: Study, known: Sequence[Answer], seeds: Sequence[Answer], snapshot: Snapshot
) -> Entry:
    """Return a study's run. What it says while trials are missing stays true when they come."""
    by_index = {answer.index: answer for answer in known}
    trials = [by_index[n] for n in takewhile(by_index.__contains__, range(len(by_index)))]
    confirming = seeds if len(seeds) >= len(study.confirm_seeds) else ()
    is_complete = len(trials) >= study.design.trials
    results = [answer.result for answer in trials]
    points, best = _progress(study, results)
    figures: dict[str, float] = {}
    if is_complete:
        figures |= results[best].metrics if best is not None else {}
        figures |= {f"{name}_mean": value for name, value in means(trials).items()}
        figures |= {
            name: value for name, value in means(confirming).items() if name.startswith("test_")
        }
        statuses = Counter[str](result.status for result in results)
        figures |= {"trials": len(trials)}
        figures |= {name: statuses[name] for name in ("diverged", "pruned")}
    series = {point.metric for point in points}
    points += [
        Point(shown(name), value, 0)
        for name, value in sorted(figures.items())
        if name not in series
    ]
    winning = trials[best] if best is not None and is_complete else None
    note = study_note(study, winning, figures)
    return Entry(
        name=f"study {study.name}",
        title=f"{study.model_name}/{study.arm}, {study.optimizer_name}, {study.dataset}, "
        f"{study.experiment}",
        parent="",
        params=study_parameters(study),
        points=tuple(points),
        tags={SOURCE: f"normbench sweep {snapshot.plan.profile}", NOTE: note},
        clocks=snapshot.dated([*trials, *seeds]),
        complete=is_complete,
        dataset=snapshot.read_by(study.dataset, "validation"),
    )


def _progress(study: Study, results: Sequence[Result]) -> tuple[list[Point], int | None]:
    """Return the best score after each trial and which one is best; their mean without a winner."""
    if not study.design.has_winner:
        scores = [objective(result) for result in results]
        running = (fmean(scores[:count]) for count in range(1, len(scores) + 1))
        mean = [Point("validation_score_mean", value, n) for n, value in enumerate(running, 1)]
        return mean, None
    best, points = 0, []
    for index, result in enumerate(results):
        best = (best, index)[winner([results[best], result])]
        points.append(Point("validation_score", objective(results[best]), index + 1))
    return points, best if results else None


def _winner_entry(
    study: Study, question: str, answers: Sequence[Answer], snapshot: Snapshot
) -> Entry:
    trial = answers[0].trial
    is_complete = len(answers) >= len(study.confirm_seeds)
    figures = means(answers) if is_complete else {}
    file = snapshot.models.get(study.name) if is_complete else None
    manifest = snapshot.manifests.get(study.dataset)
    model = None
    if file and manifest:
        name = f"{snapshot.plan.profile}/{study.name}"
        model = SavedModel(
            file=file,
            registered=re.sub(r"[/:.%\"']", "-", name),  # MLflow takes no such signs in it
            environment=trial.environment,
            manifest=manifest,
            examples=snapshot.examples.get(study.dataset),
        )
    seeds = " ".join(map(str, study.confirm_seeds))
    return Entry(
        name=f"winner {study.name} {question}",
        title=f"{study.model_name}/{study.arm} winner",
        parent=f"study {study.name}",
        params=trial_parameters(study, trial) | {"seed": "all", "confirm_seeds": seeds},
        points=tuple(Point(shown(name), value, 0) for name, value in sorted(figures.items())),
        tags={
            SOURCE: f"normbench confirm {snapshot.plan.profile}",
            NOTE: winner_note(study, figures),
            **environment_tags(trial),
        },
        clocks=snapshot.dated(answers),
        complete=is_complete,
        dataset=snapshot.read_by(trial.dataset, trial.split),
        model=model,
        digests={MODEL_DIGEST: _digest({"model": file})} if model and file else {},
    )


def report_entries(snapshot: Snapshot) -> tuple[Entry, ...]:
    """Return the run of the pages, where there are some."""
    if not snapshot.pages:
        return ()
    plan = snapshot.plan
    analysis = {f"analysis.{name}": text(value) for name, value in plan.analysis.plain().items()}
    figures = {_speakable(name): figure for name, figure in snapshot.figures.items()}
    verdicts = {name: word for name, word in figures.items() if isinstance(word, str)}
    report = Entry(
        name=REPORT,
        title=REPORT,
        parent="",
        params={
            "profile": plan.profile,
            "studies": text(len(plan.studies)),
            "studies_digest": plan.studies_digest,
            "claims_digest": plan.claims_digest,
            "datasets": " ".join(sorted(plan.datasets)),
            **analysis,
        },
        points=tuple(
            Point(f"whole.{name}", figure, 0)  # charts stand in the order of the alphabet: last
            for name, figure in figures.items()
            if not isinstance(figure, str)
        ),
        tags={
            SOURCE: f"normbench report {plan.profile}",
            NOTE: "The pages are under *Artifacts*: `report.html`. Verdicts on claims are tags.",
            **verdicts,
        },
        # from the first trial on, so that the newest runs, which charts open with, are studies
        clocks=snapshot.dated([*snapshot.swept, *snapshot.confirmed]),
        files=snapshot.pages,
        digests={FILES_DIGEST: _digest(snapshot.pages)},
    )
    return (report,)


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


def _digest(files: Mapping[str, Path | None]) -> str:
    digests = {}
    for name, path in files.items():
        if path is not None:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return content_digest(digests)
