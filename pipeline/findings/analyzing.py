"""Sealed answers -> every figure of a profile's report.

Functions of their arguments: nothing here reads a clock or a file, so that the same answers
give the same bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.claims.claim import Claim
from pipeline.commands import since
from pipeline.findings.gap.figures import trajectories
from pipeline.findings.map.figures import maps
from pipeline.findings.settings.figures import factors
from pipeline.findings.stability.figures import stability
from pipeline.findings.summary import Counts, Data, StudyFailures, StudyFigures, Summary
from pipeline.findings.time_to_target.figures import times_to_target
from pipeline.findings.tuned.comparisons import MOVING, RECALIBRATED, compare
from pipeline.findings.tuned.curves import mean_curve
from pipeline.findings.tuned.gap import train_inference_gap
from pipeline.findings.tuned.headline import headline
from pipeline.findings.tuned.searches import search
from pipeline.findings.verdicts.figures import claim_figures
from pipeline.records import Answer, Manifest, Plan, Study
from pipeline.statistics.correctness import crossed
from pipeline.statistics.effects import Effect, mean_effect
from pipeline.statistics.failures import count_failures
from pipeline.statistics.runs import of_study, runs_table
from pipeline.statistics.step_costs import Costs


def analyze(
    plan: Plan,
    swept: Sequence[Answer],
    confirmed: Sequence[Answer],
    manifests: Mapping[str, Manifest],
    *,
    costs: Costs | None,
    digests: Mapping[str, str],
) -> Summary:
    """Compute every figure of a profile's report.

    Args:
        plan: The composed profile.
        swept: Answers of the sweep.
        confirmed: Answers of the winners on fresh seeds.
        manifests: What was prepared, by dataset.
        costs: What was measured of steps, and how long training took.
        digests: SHA-256 of the sealed files the answers come from, by file name.

    Raises:
        ValueError: An answer belongs to no study of the plan, or a place is taken twice.
        KeyError: A dataset of the plan has no manifest.
    """
    studies = {study.name: study for study in _in_order(plan)}
    swept, confirmed = _sealed_order(swept), _sealed_order(confirmed)
    swept_runs = runs_table(swept, studies, manifests)
    confirmed_runs = runs_table(confirmed, studies, manifests)
    fixed = [study for study in studies.values() if not study.design.has_winner]
    judged = _judged_runs(swept_runs, confirmed_runs, studies)
    claims = sorted(map(Claim.parse, plan.claims.values()), key=_place)
    level, reference = plan.analysis.level, plan.analysis.reference
    commands = _commands(plan.profile)
    times = times_to_target(
        judged, fixed, claims, costs.costs if costs else (), reference=reference, level=level
    )
    figures = tuple(
        _figures(
            study,
            plan,
            sweep_runs=of_study(swept_runs, name),
            confirmed_runs=confirmed_runs,
            swept=[answer for answer in swept if answer.study == name],
            confirmed=confirmed,
            test_examples=manifests[study.dataset].examples["test"],
        )
        for name, study in studies.items()
        if study.design.has_winner
    )
    return Summary(
        profile=plan.profile,
        analysis=plan.analysis,
        claims_digest=plan.claims_digest,
        claims=claim_figures(
            claims,
            judged,
            list(studies.values()),
            plan.analysis,
            times=times,
            command=commands["claims"],
        ),
        headline=headline(
            {figure.name: figure.comparison for figure in figures if not figure.is_reference},
            {figure.name: figure.gap for figure in figures if figure.has_batch_statistics},
            {figure.name: figure.confirmed_failures for figure in figures},
        ),
        studies=figures,
        trajectories=trajectories(judged, fixed, level=level),
        stability=stability(judged, fixed, reference=reference, level=level),
        times=times,
        maps=maps(judged, fixed, plan.analysis),
        factors=factors(judged, fixed, level=level),
        failures=tuple(_failures(studies.values(), swept_runs, confirmed_runs)),
        counts=Counts(
            studies=len(studies),
            planned=sum(
                study.design.trials + len(study.confirm_seeds) for study in studies.values()
            ),
            swept=len(swept),
            confirmed=len(confirmed),
            seeds=tuple(sorted({answer.trial.seed for answer in (*swept, *confirmed)})),
        ),
        unplanned=_holes(tuple(studies.values())),
        data=tuple(
            _data(manifests[name]) for name in sorted({study.dataset for study in studies.values()})
        ),
        versions=_versions([*swept, *confirmed]),
        digests=dict(digests),
        clock=costs,
        commands=commands,
    )


def _judged_runs(
    swept: pd.DataFrame, confirmed: pd.DataFrame, studies: Mapping[str, Study]
) -> pd.DataFrame:
    """Return the runs that claims are judged by: all of fixed settings, and confirmed winners."""
    tuned = {name for name, study in studies.items() if study.design.has_winner}
    fixed = swept[~swept["study"].isin(tuned)]
    if not len(confirmed):
        return fixed.reset_index(drop=True)
    return pd.concat([fixed, confirmed], ignore_index=True)


def _place(claim: Claim) -> tuple[str, int, str]:
    """Order claims by the letter and the number of their id: T2 before T10, controls apart."""
    letters = claim.id.rstrip("0123456789abcdefghijklmnopqrstuvwxyz")
    digits = "".join(filter(str.isdigit, claim.id))
    return ("~" if claim.control else letters), int(digits or 0), claim.id


def _failures(
    studies: Iterable[Study], swept: pd.DataFrame, confirmed: pd.DataFrame
) -> Iterator[StudyFailures]:
    for study in studies:
        phases: list[tuple[Literal["sweep", "confirm"], pd.DataFrame, int]] = [
            ("sweep", swept, study.design.trials),
            ("confirm", confirmed, len(study.confirm_seeds)),
        ]
        for phase, runs, planned in phases:
            if planned:
                yield StudyFailures(
                    study=study.name,
                    experiment=study.experiment,
                    dataset=study.dataset,
                    model=study.model_name,
                    optimizer=study.optimizer_name,
                    arm=study.arm,
                    phase=phase,
                    planned=planned,
                    failures=count_failures(of_study(runs, study.name)),
                )


def _figures(
    study: Study,
    plan: Plan,
    *,
    sweep_runs: pd.DataFrame,
    confirmed_runs: pd.DataFrame,
    swept: Sequence[Answer],
    confirmed: Sequence[Answer],
    test_examples: int,
) -> StudyFigures:
    level, runs = plan.analysis.level, of_study(confirmed_runs, study.name)
    peer = _reference_of(study, plan)
    compared = peer is not None and peer.name != study.name
    gaps = pd.concat([sweep_runs["gap_batch"], runs["gap_batch"]])
    own = [answer for answer in confirmed if answer.study == study.name]
    return StudyFigures(
        name=study.name,
        study=study,
        is_reference=study.arm == plan.analysis.reference,
        has_batch_statistics=bool(gaps.notna().any()),
        seeds_confirmed=tuple(int(seed) for seed in runs["seed"]),
        test_score=_mean(runs, MOVING, level),
        test_score_recalibrated=_mean(runs, RECALIBRATED, level),
        comparison=compare(
            runs,
            of_study(confirmed_runs, peer.name),
            reference=peer.name,
            planned_seeds=study.confirm_seeds,
            examples=test_examples,
            level=level,
        )
        if compared and peer
        else None,
        crossed=crossed(
            own,
            [answer for answer in confirmed if answer.study == peer.name],
            examples=test_examples,
            level=level,
        )
        if compared and peer
        else None,
        gap=train_inference_gap(runs, level=level),
        sweep_failures=count_failures(sweep_runs),
        confirmed_failures=count_failures(runs),
        search=search(sweep_runs, swept, own, study.space),
        curves={
            name: mean_curve([answer.result.curves.get(name, ()) for answer in own])
            for name in sorted({name for answer in own for name in answer.result.curves})
        },
    )


def _sealed_order(answers: Sequence[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda answer: (answer.study, answer.index))


def _in_order(plan: Plan) -> list[Study]:
    """Return the plan's studies cell by cell, as planned, the reference first in each."""
    cells: dict[str, list[Study]] = {}
    for study in plan.studies.values():
        cells.setdefault(study.cell_name, []).append(study)
    return [
        study
        for cell in cells.values()
        for study in sorted(cell, key=lambda study: study.arm != plan.analysis.reference)
    ]


def _reference_of(study: Study, plan: Plan) -> Study | None:
    return plan.studies.get(f"{study.cell_name}/{plan.analysis.reference}")


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
            dict.fromkeys(study.optimizer_name for study in own),
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
    return {
        "everything": since("compose", profile),
        "sweep": since("sweep", profile),
        "confirmed": since("confirm", profile),
        "claims": since("sweep", profile),
        "cost": since("cost", profile),
        "figures": since("analyze", profile),
    }
