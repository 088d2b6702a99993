"""Every section of one page counts the same failures: over a made-up profile with all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from fake_profile import fake_profile

from pipeline.claims.judging import part_sample
from pipeline.findings.analyzing import analyze
from pipeline.findings.evidence import Evidence
from pipeline.findings.failures.figures import Figures as Failed
from pipeline.findings.map.figures import Figures as Maps
from pipeline.findings.settings.figures import Figures as Settings
from pipeline.findings.stability.figures import Figures as Stability
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Table
from pipeline.records import Answer
from pipeline.statistics.failures import Outcomes
from pipeline.statistics.pairs import failed, with_statistics

ARM = "rates_mlp/mnist_5k/mlp/adam/batch"
Counts = dict[str, Counter[str]]


def _spoiled(answer: Answer) -> Answer:
    """Put some runs at chance: by moving averages alone, or for good, with a loss all the same."""
    rate, seed = answer.trial.optimizer.arguments["learning_rate"], answer.trial.seed
    if (answer.study, rate) != (ARM, 0.1):
        return answer
    metrics = {**answer.result.metrics, "validation_score": 0.1}
    if seed % 2:
        metrics["validation_score_recalibrated"] = 0.1
    result = answer.result.model_copy(update={"metrics": metrics})
    return answer.model_copy(update={"result": result})


@cache
def _evidence() -> tuple[Evidence, Summary]:
    runs = fake_profile()
    runs = replace(runs, swept=tuple(map(_spoiled, runs.swept)))
    given = (runs.plan, runs.swept, runs.confirmed, runs.manifests)
    evidence = Evidence(*given, costs=runs.costs, digests={})
    return evidence, analyze(*given, costs=runs.costs, digests={})


def _counted(found: Counts, study: str, counts: Outcomes) -> None:
    found.setdefault(study, Counter()).update(counts.plain())


@cache
def _failures() -> Counts:
    found: Counts = {}
    for each in _evidence()[1].of(Failed).studies:
        _counted(found, f"{each.study} {each.phase}", each.outcomes)
    return found


def test_the_made_up_failures_differ_by_statistics_and_from_those_that_diverged() -> None:
    # Eight seeds at one of six rates: all spoiled at inference, the odd ones for good.
    found = _failures()[f"{ARM} sweep"]
    assert found["runs"] == 48
    assert found["diverged"] > 0
    assert found["failed"] == found["diverged"] + 8
    assert found["failed_recalibrated"] == found["diverged"] + 4


def test_stability_counts_what_failures_counts() -> None:
    found: Counts = {}
    for cell in _evidence()[1].of(Stability).cells:
        place = cell.place
        for arm in cell.arms:
            study = "/".join(
                (place.experiment, place.dataset, place.model, place.optimizer, arm.arm)
            )
            for rate in arm.rates:
                _counted(found, f"{study} sweep", rate.outcomes)
    assert len(found) == 6
    assert found == {study: _failures()[study] for study in found}


def test_fixed_settings_count_what_failures_counts() -> None:
    found: Counts = {}
    for cell in _evidence()[1].of(Settings).cells:
        place = cell.place
        for setting in cell.settings:
            names = (place.experiment, place.dataset, place.model, place.optimizer, setting.arm)
            _counted(found, f"{'/'.join(names)} sweep", setting.outcomes)
    assert len(found) == 34
    assert found == {study: _failures()[study] for study in found}


def test_searches_and_winners_count_what_failures_counts() -> None:
    arms = _evidence()[1].of(Tuned).arms
    assert len(arms) == 8
    for each in arms:
        trials = [trial for search in each.search for trial in search.trials]
        assert each.swept.plain() == _failures()[f"{each.name} sweep"]
        assert each.confirmed.plain() == _failures()[f"{each.name} confirm"]
        assert sum(trial.failed for trial in trials) == each.swept.failed
    assert sum(each.swept.failed for each in arms) > 0


def test_maps_count_what_failures_counts() -> None:
    [found] = _evidence()[1].of(Maps).maps
    place = found.place
    cell = "/".join((place.experiment, place.dataset, place.model, place.optimizer))
    for arm, words in (
        (found.arm, ("arm", "both")),
        (found.against, ("against", "both")),
    ):
        failures = sum(spot.failed in words for spot in found.spots)
        assert failures == _failures()[f"{cell}/{arm} sweep"]["failed_recalibrated"]
    assert any(spot.failed for spot in found.spots)


def test_claims_are_judged_by_the_failures_that_failures_counts() -> None:
    evidence, summary = _evidence()
    tested = 0
    for each in summary.of(Claims).claims:
        own = evidence.runs[evidence.runs["experiment"] == each.claim.experiment]
        if each.judgement.verdict.word == "not tested here" or own.empty:
            continue
        table = with_statistics(own, each.claim.statistics)
        kind = "failed" if each.claim.statistics == "moving" else "failed_recalibrated"
        for study, rows in table.groupby("study"):
            phases = (f"{study} {phase}" for phase in ("sweep", "confirm"))
            counted = next(_failures()[name] for name in phases if name in _failures())
            assert failed(rows).sum() == counted[kind]
        for part, judged in zip(each.claim.parts, each.judgement.parts, strict=True):
            sample = part_sample(part, table)
            assert (sample.failures is None) == (judged.failures is None)
            tested += 1
    assert tested > 10


@pytest.mark.parametrize(
    ("name", "title", "study", "column", "kind"),
    [
        ("stability", "Rate by rate", "adam", 3, "failed_recalibrated"),
        ("failures", "All studies", "rates_mlp", 6, "failed_recalibrated"),
        ("failures", "All studies", "rates_mlp", 5, "failed"),
        ("settings", "rates_mlp: mnist_5k, mlp, adam", "", 3, "failed"),
        ("settings", "rates_mlp: mnist_5k, mlp, adam", "", 4, "failed_recalibrated"),
    ],
)
def test_the_page_prints_these_counts(
    name: str, title: str, study: str, column: int, kind: str
) -> None:
    from importlib import import_module

    section = import_module(f"pipeline.findings.{name}.section").section(_evidence()[1])
    [table] = [each for each in section.blocks if isinstance(each, Table) and each.caption == title]
    rows = [
        row for row in table.rows if "batch" in row and "sgd" not in row[0] and study in str(row)
    ]
    printed = sum(int(row[column].split(" ")[0]) for row in rows)
    assert printed == _failures()[f"{ARM} sweep"][kind]
