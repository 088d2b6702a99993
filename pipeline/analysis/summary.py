"""Every figure that the report prints, in one frozen record.

A study of the plan without answers keeps its place with None where its figures
would stand; a cell that the plan leaves out is named. Nothing here reads a
clock or a file, so that the same answers give the same bytes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.analysis.comparisons import MOVING, RECALIBRATED, Comparison, compare
from pipeline.analysis.curves import Curve, mean_curve
from pipeline.analysis.effects import Effect, mean_effect
from pipeline.analysis.failures import Failures, count_failures
from pipeline.analysis.gap import Gap, train_inference_gap
from pipeline.analysis.headline import Headline, headline
from pipeline.analysis.searches import Search, search
from pipeline.analysis.table import answers_table, runs_of
from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.records import Analysis, Answer, Manifest, Plan, Study


class Data(Record):
    """What a dataset is, and how many examples stand behind each accuracy."""

    name: str
    source: str
    license: str
    digest: str
    classes: Count
    shape: tuple[int, ...]
    examples: dict[str, int]


class StudyFigures(Record):
    """All about one arm in one cell.

    Accuracies are shares of the test examples over all confirmed seeds, a
    diverged run at chance; `comparison` is absent for the reference itself and
    where the reference has no study in the cell.
    """

    name: str
    study: Study
    is_reference: bool
    has_batch_statistics: bool
    seeds_confirmed: tuple[int, ...]
    test_accuracy: Effect | None
    test_accuracy_recalibrated: Effect | None
    comparison: Comparison | None
    gap: Gap | None
    sweep_failures: Failures
    confirmed_failures: Failures
    search: Search
    curves: dict[str, Curve]


class Summary(Record):
    """The whole analysis of one profile."""

    profile: str
    analysis: Analysis
    headline: Headline
    studies: tuple[StudyFigures, ...]
    unplanned: tuple[str, ...]
    data: tuple[Data, ...]
    versions: dict[str, tuple[str, ...]]
    digests: dict[str, str]
    commands: dict[str, str]

    def text(self) -> str:
        """Return the record as indented JSON, the same bytes for the same figures."""
        plain = json.dumps(self.plain(), sort_keys=True, indent=2, allow_nan=False)
        return plain + "\n"


def analyze(
    plan: Plan,
    swept: Sequence[Answer],
    confirmed: Sequence[Answer],
    manifests: Mapping[str, Manifest],
    *,
    digests: Mapping[str, str],
) -> Summary:
    """Compute every figure of a profile's report.

    Args:
        plan: The composed profile.
        swept: Answers of the sweep.
        confirmed: Answers of the winners on fresh seeds.
        manifests: What was prepared, by dataset.
        digests: SHA-256 of the sealed files the answers come from, by file name.

    Raises:
        ValueError: An answer belongs to no study of the plan, or a place is taken twice.
        KeyError: A dataset of the plan has no manifest.
    """
    studies = {study.name: study for study in _in_order(plan)}
    swept, confirmed = _sealed_order(swept), _sealed_order(confirmed)
    sweep_table = answers_table(swept, studies)
    confirmed_table = answers_table(confirmed, studies)
    figures = tuple(
        _figures(
            study,
            plan,
            sweep_runs=runs_of(sweep_table, name),
            confirmed_table=confirmed_table,
            swept=[answer for answer in swept if answer.study == name],
            confirmed=[answer for answer in confirmed if answer.study == name],
            test_examples=manifests[study.dataset].examples["test"],
        )
        for name, study in studies.items()
    )
    return Summary(
        profile=plan.profile,
        analysis=plan.analysis,
        headline=headline(
            {figure.name: figure.comparison for figure in figures if not figure.is_reference},
            {figure.name: figure.gap for figure in figures if figure.has_batch_statistics},
            {figure.name: figure.confirmed_failures for figure in figures},
        ),
        studies=figures,
        unplanned=_holes(tuple(studies.values())),
        data=tuple(
            _data(manifests[name]) for name in sorted({study.dataset for study in studies.values()})
        ),
        versions=_versions([*swept, *confirmed]),
        digests=dict(digests),
        commands=_commands(plan.profile),
    )


def _figures(
    study: Study,
    plan: Plan,
    *,
    sweep_runs: pd.DataFrame,
    confirmed_table: pd.DataFrame,
    swept: Sequence[Answer],
    confirmed: Sequence[Answer],
    test_examples: int,
) -> StudyFigures:
    level, runs = plan.analysis.level, runs_of(confirmed_table, study.name)
    peer = _reference_of(study, plan)
    gaps = pd.concat([sweep_runs["gap_batch"], runs["gap_batch"]])
    return StudyFigures(
        name=study.name,
        study=study,
        is_reference=study.arm == plan.analysis.reference,
        has_batch_statistics=bool(gaps.notna().any()),
        seeds_confirmed=tuple(int(seed) for seed in runs["seed"]),
        test_accuracy=_mean(runs, MOVING, level),
        test_accuracy_recalibrated=_mean(runs, RECALIBRATED, level),
        comparison=None
        if peer is None or peer.name == study.name
        else compare(
            runs,
            runs_of(confirmed_table, peer.name),
            reference=peer.name,
            planned_seeds=study.confirm_seeds,
            examples=test_examples,
            level=level,
        ),
        gap=train_inference_gap(runs, level=level),
        sweep_failures=count_failures(sweep_runs),
        confirmed_failures=count_failures(runs),
        search=search(sweep_runs, swept, confirmed, study.space),
        curves={
            name: mean_curve([answer.result.curves.get(name, ()) for answer in confirmed])
            for name in sorted({name for answer in confirmed for name in answer.result.curves})
        },
    )


def _sealed_order(answers: Sequence[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda answer: (answer.study, answer.index))


def _in_order(plan: Plan) -> list[Study]:
    """Return the plan's studies cell by cell, as planned, the reference first in each."""
    cells: dict[tuple[str, str, str], list[Study]] = {}
    for study in plan.studies.values():
        cells.setdefault((study.experiment, study.dataset, study.model_name), []).append(study)
    return [
        study
        for cell in cells.values()
        for study in sorted(cell, key=lambda study: study.arm != plan.analysis.reference)
    ]


def _reference_of(study: Study, plan: Plan) -> Study | None:
    cell = (study.experiment, study.dataset, study.model_name, plan.analysis.reference)
    for other in plan.studies.values():
        if (other.experiment, other.dataset, other.model_name, other.arm) == cell:
            return other
    return None


def _mean(runs: pd.DataFrame, metric: str, level: float) -> Effect | None:
    if runs[metric].isna().all():
        return None
    scores, seeds = runs[metric].to_numpy(np.float64), runs["seed"].to_numpy()
    return mean_effect(scores, seeds=seeds, level=level)


def _holes(studies: tuple[Study, ...]) -> tuple[str, ...]:
    """Name the studies that an experiment's own datasets, models and arms would allow."""
    holes: list[str] = []
    for experiment in dict.fromkeys(study.experiment for study in studies):
        own = [study for study in studies if study.experiment == experiment]
        axes = [
            dict.fromkeys(study.dataset for study in own),
            dict.fromkeys(study.model_name for study in own),
            dict.fromkeys(study.arm for study in own),
        ]
        grid = ["/".join((experiment, *place)) for place in itertools.product(*axes)]
        planned = {study.name for study in own}
        holes += [name for name in grid if name not in planned]
    return tuple(holes)


def _data(manifest: Manifest) -> Data:
    return Data(
        name=manifest.name,
        source=manifest.source,
        license=manifest.license,
        digest=manifest.digest,
        classes=len(manifest.classes),
        shape=manifest.shape,
        examples=manifest.examples,
    )


def _versions(answers: Sequence[Answer]) -> dict[str, tuple[str, ...]]:
    questions = [
        {**answer.trial.environment.plain(), "device": answer.trial.device} for answer in answers
    ]
    names = sorted({name for question in questions for name in question})
    return {name: tuple(sorted({str(question[name]) for question in questions})) for name in names}


def _commands(profile: str) -> dict[str, str]:
    stages = ("compose", "prepare", "sweep", "confirm", "analyze", "report")

    def since(stage: str) -> str:
        return " && ".join(f"normbench {name} {profile}" for name in stages[stages.index(stage) :])

    return {
        "everything": since("compose"),
        "sweep": since("sweep"),
        "confirmed": since("confirm"),
    }
