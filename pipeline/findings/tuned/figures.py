"""Each arm at its own best settings: the winners against the reference, and their searches."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.tuned.comparisons import MOVING, RECALIBRATED, Comparison, compare
from pipeline.findings.tuned.curves import Curve, mean_curve
from pipeline.findings.tuned.gap import Gap, train_inference_gap
from pipeline.findings.tuned.headline import Headline, headline
from pipeline.findings.tuned.searches import Search, search
from pipeline.records import Study
from pipeline.statistics.correctness import crossed
from pipeline.statistics.effects import Effect, mean_effect
from pipeline.statistics.failures import Failures, count_failures
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.runs import of_study


class StudyFigures(Record):
    """All about one tuned arm in one cell.

    Accuracies are shares of the test examples over all confirmed seeds, a
    diverged run at chance; `comparison` is absent for the reference itself and
    where the reference has no study in the cell. `crossed` is the difference from
    the reference in points with an interval over seeds and test images at once.
    """

    named_by: ClassVar = ("name",)

    name: str
    study: Study
    is_reference: bool
    has_batch_statistics: bool
    seeds_confirmed: tuple[int, ...]
    test_score: Effect | None
    test_score_recalibrated: Effect | None
    comparison: Comparison | None
    crossed: Estimate | None
    gap: Gap | None
    sweep_failures: Failures
    confirmed_failures: Failures
    search: Search
    curves: dict[str, Curve]


class Figures(Record):
    """The tuned studies, in the order of the report, and what they come to."""

    studies: tuple[StudyFigures, ...]
    headline: Headline

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say."""
        return ("headline",)


def figures(evidence: Evidence) -> Figures:
    """Describe every study with a winner."""
    studies = tuple(_figures(study, evidence) for study in evidence.tuned)
    return Figures(
        studies=studies,
        headline=headline(
            {each.name: each.comparison for each in studies if not each.is_reference},
            {each.name: each.gap for each in studies if each.has_batch_statistics},
            {each.name: each.confirmed_failures for each in studies},
        ),
    )


def _figures(study: Study, evidence: Evidence) -> StudyFigures:
    level, confirmed_runs = evidence.level, evidence.confirmed_runs
    sweep_runs = of_study(evidence.swept_runs, study.name)
    runs = of_study(confirmed_runs, study.name)
    swept = [answer for answer in evidence.swept if answer.study == study.name]
    own = [answer for answer in evidence.confirmed if answer.study == study.name]
    examples = evidence.manifests[study.dataset].examples["test"]
    peer = evidence.studies.get(f"{study.cell_name}/{evidence.reference}")
    is_reference = study.arm == evidence.reference
    comparison = both = None
    if peer is not None and not is_reference:
        comparison = compare(
            runs,
            of_study(confirmed_runs, peer.name),
            reference=peer.name,
            planned_seeds=study.confirm_seeds,
            examples=examples,
            level=level,
        )
        theirs = [answer for answer in evidence.confirmed if answer.study == peer.name]
        both = crossed(own, theirs, examples=examples, level=level)
    gaps = pd.concat([sweep_runs["gap_batch"], runs["gap_batch"]])
    return StudyFigures(
        name=study.name,
        study=study,
        is_reference=is_reference,
        has_batch_statistics=bool(gaps.notna().any()),
        seeds_confirmed=tuple(int(seed) for seed in runs["seed"]),
        test_score=_mean(runs, MOVING, level),
        test_score_recalibrated=_mean(runs, RECALIBRATED, level),
        comparison=comparison,
        crossed=both,
        gap=train_inference_gap(runs, level=level),
        sweep_failures=count_failures(sweep_runs),
        confirmed_failures=count_failures(runs),
        search=search(sweep_runs, swept, own, study.space),
        curves={
            name: mean_curve([answer.result.curves.get(name, ()) for answer in own])
            for name in sorted({name for answer in own for name in answer.result.curves})
        },
    )


def _mean(runs: pd.DataFrame, metric: str, level: float) -> Effect | None:
    if runs[metric].isna().all():
        return None
    scores, seeds = runs[metric].to_numpy(np.float64), runs["seed"].to_numpy()
    return mean_effect(scores, seeds=seeds, level=level)
