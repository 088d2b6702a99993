"""Each arm at its own best settings: the winners against the reference, and their searches."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import place_of, short_names
from pipeline.findings.tuned.comparisons import Comparison, compare
from pipeline.findings.tuned.curves import Curve, mean_curve
from pipeline.findings.tuned.gap import Gap, train_inference_gap
from pipeline.findings.tuned.headline import Headline, headline
from pipeline.findings.tuned.searches import Search, search
from pipeline.statistics.crossed import crossed
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import RECALIBRATED, Statistics, known_sample, with_statistics
from pipeline.statistics.runs import CONFIRM, SWEEP, of_study
from pipeline.studies import Study

SCORE = "test_score"


class StudyFigures(Record):
    """All about one tuned arm in one cell.

    Test scores are means over all confirmed seeds, a
    diverged run at chance; `comparisons`, by statistics, are absent for the reference
    itself and where the reference has no study in the cell, recalibrated ones for an arm
    without batch statistics. `crossed` is the difference from the reference in points
    with an interval over seeds and test examples at once.
    """

    named_by: ClassVar = ("name",)

    name: str
    study: Study
    is_reference: bool
    has_batch_statistics: bool
    seeds_confirmed: tuple[int, ...]
    test_score: Estimate | None
    test_score_recalibrated: Estimate | None
    comparisons: dict[Statistics, Comparison]
    crossed: Estimate | None
    gap: Gap | None
    swept: Outcomes
    confirmed: Outcomes
    search: Search
    curves: dict[str, Curve]


class Figures(Record):
    """The tuned studies, in the order of the report, and what they come to."""

    studies: tuple[StudyFigures, ...]
    headline: Headline

    @property
    def names(self) -> dict[str, str]:
        """A short name of each study's cell, by the study's name."""
        cells = short_names([place_of(each.study) for each in self.studies])
        return dict(zip((each.name for each in self.studies), cells, strict=True))

    def repeats(self) -> tuple[str, ...]:
        """Return the fields that say again what others say."""
        return ("headline",)


def figures(evidence: Evidence) -> Figures:
    """Describe every study with a winner."""
    studies = tuple(_figures(study, evidence) for study in evidence.tuned)
    return Figures(
        studies=studies,
        headline=headline(
            {each.name: each.comparisons for each in studies if not each.is_reference},
            {each.name: each.gap for each in studies if each.has_batch_statistics},
            {each.name: each.confirmed for each in studies},
        ),
    )


def _figures(study: Study, evidence: Evidence) -> StudyFigures:
    level = evidence.level
    sweep_runs = of_study(evidence.every_run, study.name, SWEEP)
    runs = of_study(evidence.every_run, study.name, CONFIRM)
    swept = [answer for answer in evidence.swept if answer.study == study.name]
    own = [answer for answer in evidence.confirmed if answer.study == study.name]
    examples = evidence.manifests[study.dataset].examples["test"]
    peer = evidence.studies.get(f"{study.cell_name}/{evidence.reference}")
    is_reference = study.arm == evidence.reference
    comparisons: dict[Statistics, Comparison] = {}
    both = None
    if peer is not None and not is_reference:
        control = of_study(evidence.every_run, peer.name, CONFIRM)
        has_both = bool(runs[f"{SCORE}{RECALIBRATED}"].notna().any())
        kinds: tuple[Statistics, ...] = ("moving", "recalibrated") if has_both else ("moving",)
        comparisons = {
            kind: compare(
                with_statistics(runs, kind),
                with_statistics(control, kind),
                planned=study.confirm_seeds,
                level=level,
            )
            for kind in kinds
        }
        theirs = [answer for answer in evidence.confirmed if answer.study == peer.name]
        both = crossed(own, theirs, examples=examples, level=level)
    gaps = pd.concat([sweep_runs["gap_batch"], runs["gap_batch"]])
    return StudyFigures(
        name=study.name,
        study=study,
        is_reference=is_reference,
        has_batch_statistics=bool(gaps.notna().any()),
        seeds_confirmed=tuple(int(seed) for seed in runs["seed"]),
        test_score=estimate(known_sample(runs, SCORE), level=level),
        test_score_recalibrated=estimate(known_sample(runs, f"{SCORE}{RECALIBRATED}"), level=level),
        comparisons=comparisons,
        crossed=both,
        gap=train_inference_gap(runs, level=level),
        swept=outcomes(sweep_runs),
        confirmed=outcomes(runs),
        search=search(sweep_runs, swept, own, study.space),
        curves={
            name: mean_curve([answer.result.curves.get(name, ()) for answer in own])
            for name in sorted({name for answer in own for name in answer.result.curves})
        },
    )
