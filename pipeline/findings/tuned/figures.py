"""Each arm at its own best settings: arms against each other, and what their searches found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pandas as pd

from pipeline.arguments import Count, Tally
from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.findings.places import place_of, short_names
from pipeline.findings.tuned import comparisons as compared
from pipeline.findings.tuned.budget import Budget, budget_curve, independent
from pipeline.findings.tuned.comparisons import Comparison, simultaneous
from pipeline.findings.tuned.curves import Curve, mean_curve
from pipeline.findings.tuned.gap import Gap, train_inference_gap
from pipeline.findings.tuned.same_arm import SPLITS, SameArm, errors_of, rates
from pipeline.findings.tuned.searches import Search, search
from pipeline.statistics.failures import Outcomes, outcomes
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.pairs import RECALIBRATED, known_sample
from pipeline.statistics.runs import CONFIRM, SWEEP, of_study
from pipeline.studies import Study

SCORE = "test_score"
FAMILIES = (("keras.layers.BatchNormalization", "keras.layers.LayerNormalization"),)


class ArmFigures(Record):
    """All about one tuned arm in one cell.

    `study` is its first search. Test scores are means over all confirmed runs, a diverged run
    at chance; intervals are over searches, each run being in the cluster of its own.
    `search` has its `searches` one by one, `own` of which pair with those of other arms: the
    rest is there for the control. `curves` are of the `own` searches' winners.
    """

    named_by: ClassVar = ("name",)

    name: str
    study: Study
    is_reference: bool
    has_batch_statistics: bool
    searches: Count
    own: Count
    planned: Count
    runs: Tally
    test_score: Estimate | None
    test_score_recalibrated: Estimate | None
    gap: Gap | None
    swept: Outcomes
    confirmed: Outcomes
    search: tuple[Search, ...]
    budget: Budget | None
    curves: dict[str, Curve]


class Figures(Record):
    """The tuned arms in the order of the report, each against others, and the controls.

    `level` is that of every single interval of `comparisons`, so that all of them hold together
    at the profile's.
    """

    arms: tuple[ArmFigures, ...]
    comparisons: tuple[Comparison, ...]
    level: float
    same_arm: tuple[SameArm, ...]

    @property
    def names(self) -> dict[str, str]:
        """A short name of each arm's cell, by the arm's name."""
        cells = short_names([place_of(each.study) for each in self.arms])
        return dict(zip((each.name for each in self.arms), cells, strict=True))

    def of(self, figures: ArmFigures, against: str) -> Comparison | None:
        """Return an arm's comparison with another one of its cell, if there is one."""
        name = f"{figures.study.cell_name}/{against}"
        found = (each for each in self.comparisons if each.arm == figures.study.arm)
        return next((each for each in found if against_name(each) == name), None)


def against_name(found: Comparison) -> str:
    """Return the name of the arm that another one is compared with."""
    cell = f"{found.experiment}/{found.dataset}/{found.model}/{found.optimizer}"
    return f"{cell}/{found.against}"


def figures(evidence: Evidence) -> Figures:
    """Describe every arm that is searched and confirmed."""
    arms: dict[str, list[Study]] = {}
    for study in evidence.tuned:
        arms.setdefault(study.arm_name, []).append(study)
    for searches in arms.values():
        searches.sort(key=lambda study: study.search)
    pairs = list(_pairs(arms, evidence.reference))
    level = simultaneous(evidence.level, len(pairs))
    fewest = {
        searches[0].cell_name: min(
            len(other) for other in arms.values() if other[0].cell_name == searches[0].cell_name
        )
        for searches in arms.values()
    }
    return Figures(
        arms=tuple(_arm(own, fewest[own[0].cell_name], evidence) for own in arms.values()),
        comparisons=tuple(_comparison(*pair, evidence, level) for pair in pairs),
        level=level,
        same_arm=tuple(
            found
            for own in arms.values()
            if len(own) >= 2 * fewest[own[0].cell_name]
            and (found := _same_arm(own, evidence, level)) is not None
        ),
    )


def _pairs(
    arms: dict[str, list[Study]], reference: str
) -> Iterator[tuple[list[Study], list[Study]]]:
    """Yield each arm with the reference of its cell, then the batch arms with the layer arms."""
    for own in arms.values():
        peer = arms.get(f"{own[0].cell_name}/{reference}")
        if peer is not None and own[0].arm != reference:
            yield own, peer
    for own in arms.values():
        for peer in arms.values():
            together = own[0].cell_name == peer[0].cell_name
            if together and (_layer(own), _layer(peer)) in FAMILIES:
                yield own, peer


def _layer(searches: list[Study]) -> str:
    layer = searches[0].norm.layer
    return "" if layer is None else layer.target


def _comparison(
    ours: list[Study], theirs: list[Study], evidence: Evidence, level: float
) -> Comparison:
    first, peers = ours[0], {study.search: study for study in theirs}
    both = [(study, peers[study.search]) for study in ours if study.search in peers]
    searches = {
        study.search: (_confirmed(study, evidence), _confirmed(peer, evidence))
        for study, peer in both
    }
    answers = [
        tuple([each for each in evidence.confirmed if each.study == study.name] for study in pair)
        for pair in both
    ]
    runs, failed, failed_against = compared.failures(searches)
    ratio = compared.effect(searches, statistics="moving", level=level)
    return Comparison(
        experiment=first.experiment,
        dataset=first.dataset,
        model=first.model_name,
        optimizer=first.optimizer_name,
        arm=first.arm,
        against=theirs[0].arm,
        word=compared.word_of(ratio, evidence.margin),
        log_error_ratio=ratio,
        points=compared.points(searches, level=level),
        crossed=compared.crossed(
            [(own, other) for own, other in answers],
            examples=evidence.manifests[first.dataset].examples["test"],
            level=level,
        ),
        recalibrated=compared.effect(searches, statistics="recalibrated", level=level),
        planned=len(both),
        runs=runs,
        failed=failed,
        failed_against=failed_against,
    )


def _same_arm(searches: list[Study], evidence: Evidence, adjusted: float) -> SameArm | None:
    first = searches[0]
    errors = errors_of({study.search: _confirmed(study, evidence) for study in searches})
    found = rates(errors, level=evidence.level, adjusted=adjusted, margin=evidence.margin)
    if found is None:
        return None
    return SameArm(
        experiment=first.experiment,
        dataset=first.dataset,
        model=first.model_name,
        optimizer=first.optimizer_name,
        arm=first.arm,
        searches=len(errors),
        splits=SPLITS,
        level=evidence.level,
        outside=found[0],
        called=found[1],
    )


def _confirmed(study: Study, evidence: Evidence) -> pd.DataFrame:
    return of_study(evidence.every_run, study.name, CONFIRM)


def _arm(searches: list[Study], own: int, evidence: Evidence) -> ArmFigures:
    level, first = evidence.level, searches[0]
    clusters = {study.name: study.search for study in searches}
    every = evidence.every_run[evidence.every_run["study"].isin([*clusters])]
    every = every.assign(cluster=every["study"].map(clusters))
    swept, runs = every[every["phase"] == SWEEP], every[every["phase"] == CONFIRM]
    paired = runs[runs["cluster"] <= own]
    by_search = paired.assign(seed=paired["cluster"])
    answers = {
        study.name: (
            [answer for answer in evidence.swept if answer.study == study.name],
            [answer for answer in evidence.confirmed if answer.study == study.name],
        )
        for study in searches
    }
    winners = [each for study in searches[:own] for each in answers[study.name][1]]
    return ArmFigures(
        name=first.arm_name,
        study=first,
        is_reference=first.arm == evidence.reference,
        has_batch_statistics=bool(every["gap_batch"].notna().any()),
        searches=len(searches),
        own=own,
        planned=sum(len(study.confirm_seeds) for study in searches),
        runs=len(runs),
        test_score=estimate(known_sample(by_search, SCORE), level=level),
        test_score_recalibrated=estimate(
            known_sample(by_search, f"{SCORE}{RECALIBRATED}"), level=level
        ),
        gap=train_inference_gap(by_search, level=level),
        swept=outcomes(swept),
        confirmed=outcomes(runs),
        search=tuple(
            search(study, of_study(evidence.every_run, study.name, SWEEP), *answers[study.name])
            for study in searches
        ),
        budget=budget_curve(
            [
                own_runs["validation_score"].to_numpy()
                for study in searches
                if len(own_runs := of_study(swept, study.name)[: independent(study.design)])
            ],
            level=level,
        ),
        curves={
            name: mean_curve([answer.result.curves.get(name, ()) for answer in winners])
            for name in sorted({name for answer in winners for name in answer.result.curves})
        },
    )
