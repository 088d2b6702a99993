"""Tuned arms: what a comparison over searches says, its control, and best against budget."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from questions import TASK
from scipy import stats

from pipeline.configuration.plan import compose_plan
from pipeline.findings.tuned.budget import budget_curve, expected_best, independent
from pipeline.findings.tuned.comparisons import Word, effect, failures, simultaneous, word_of
from pipeline.findings.tuned.same_arm import SPLITS, rates
from pipeline.records import Component
from pipeline.statistics.intervals import Estimate
from pipeline.tasks.scoring import scoring_of

MARGIN = math.log(1.1)
EXAMPLES = 10**9  # so many that the log of an error needs no correction


def confirmed(*errors: float) -> pd.DataFrame:
    """Return the confirmed runs of one search, one per fresh seed."""
    score = [1 - error for error in errors]
    return pd.DataFrame(
        {
            "seed": range(101, 101 + len(errors)),
            "task": [scoring_of(Component.parse(TASK["scoring"]))] * len(errors),
            "test_error": errors,
            "test_score": score,
            "test_examples": EXAMPLES,
            "failed": [error > 0.8 for error in errors],
        }
    )


def interval(low: float | None, high: float | None, method: str = "t") -> Estimate:
    return Estimate.parse(
        {
            "value": 0.0,
            "known": "exactly",
            "low": low,
            "high": high,
            "level": 0.95,
            "spread": None,
            "clusters": 8,
            "blocks": 16,
            "method": method,
        }
    )


def test_the_unit_is_the_search_and_its_interval_is_the_textbook_s() -> None:
    ratios = [0.5, 0.8, 0.9, 1.0]
    searches = {n: (confirmed(0.1 * r, 0.2 * r), confirmed(0.1, 0.2)) for n, r in enumerate(ratios)}
    found = effect(searches, statistics="moving", level=0.95)
    assert found is not None
    logs = np.log(ratios)
    assert (found.clusters, found.method) == (4, "t")
    assert found.value == pytest.approx(logs.mean(), abs=1e-6)
    low, high = stats.t.interval(0.95, 3, logs.mean(), stats.sem(logs))
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


def test_failed_runs_are_counted_on_either_side_and_kept() -> None:
    searches = {1: (confirmed(0.9, 0.1), confirmed(0.1, 0.1))}
    assert failures(searches) == (2, 1, 0)
    found = effect(searches, statistics="moving", level=0.95)
    assert found is not None
    assert found.value == pytest.approx(math.log(9) / 2, abs=1e-6)
    assert effect({}, statistics="moving", level=0.95) is None


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.5, -0.2, "helps"),
        (0.2, 0.5, "hurts"),
        (-0.05, 0.05, "no practical difference"),
        (-0.5, -0.05, "can't tell"),
        (None, -0.2, "helps"),
        (None, None, "can't tell"),
    ],
)
def test_a_comparison_s_word_is_read_off_its_interval(
    low: float | None, high: float | None, word: Word
) -> None:
    assert word_of(interval(low, high), MARGIN) == word


def test_without_an_interval_nothing_is_told() -> None:
    assert word_of(None, MARGIN) == "can't tell"
    assert word_of(interval(0.0, 0.0, "none"), MARGIN) == "can't tell"


def test_the_readings_of_a_page_share_its_error() -> None:
    assert simultaneous(0.95, 5) == pytest.approx(0.99)
    assert simultaneous(0.95, 0) == 0.95


def test_one_arm_s_searches_differ_from_themselves_as_often_as_the_level_says() -> None:
    drawn = np.random.default_rng(4).normal(size=(100, 16))
    outside = [rates(each, level=0.95, adjusted=0.99, margin=MARGIN) for each in drawn]
    assert np.mean([each[0] for each in outside if each]) == pytest.approx(0.05, abs=0.01)


def test_two_kinds_of_searches_within_one_arm_are_not_hidden_by_the_margin() -> None:
    found = rates(np.arange(16.0), level=0.95, adjusted=0.95, margin=0.0)
    assert found is not None
    assert found[0] == found[1] > 0  # without a margin, what lies outside is called
    wide = rates(np.arange(16.0), level=0.95, adjusted=0.95, margin=100.0)
    assert wide == (found[0], 0.0)


def test_a_side_of_one_search_has_no_control() -> None:
    assert rates(np.zeros(3), level=0.95, adjusted=0.99, margin=MARGIN) is None
    assert SPLITS == 500  # as the page says


@pytest.mark.parametrize("count", [1, 5, 9])
def test_the_expected_best_is_the_mean_over_all_draws(count: int) -> None:
    # Brute force: every subset of that size. Two scores are equal.
    scores = np.random.default_rng(2).normal(size=count)
    scores[-1] = scores[0]
    for budget in range(1, count + 1):
        every = [max(drawn) for drawn in itertools.combinations(scores.tolist(), budget)]
        assert expected_best(scores, budget) == pytest.approx(np.mean(every))


def test_a_budget_reaches_a_quarter_of_the_trials_and_has_a_band_over_searches() -> None:
    scores = np.linspace(0, 1, 24).reshape(3, 8)
    found = budget_curve(list(scores), level=0.95)
    assert found is not None
    assert (found.trials, found.searches, len(found.expected_best)) == (24, 3, 6)
    assert found.expected_best[0] == pytest.approx(0.5)  # one trial: the mean
    assert list(found.expected_best) == sorted(found.expected_best)
    assert found.low is not None
    assert found.high is not None
    assert all(
        low < best < high
        for low, best, high in zip(found.low, found.expected_best, found.high, strict=True)
    )
    alone = budget_curve([scores.ravel()], level=0.95)
    assert alone is not None
    assert alone.low is None
    assert budget_curve([[0.1, 0.2, 0.3]], level=0.95) is None


def test_large_studies_keep_the_digits() -> None:
    # Of 0 .. N - 1, the expected maximum of n is n (N + 1) / (n + 1) - 1.
    assert expected_best(np.arange(4000.0), 1000) == pytest.approx(1000 * 4001 / 1001 - 1)


def test_scores_and_budgets_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        budget_curve([[0.1, 0.2, 0.3, math.nan]], level=0.95)
    for budget in (0, 5):
        with pytest.raises(ValueError, match="from 1 to 4"):
            expected_best([0.1] * 4, budget)


def test_of_a_search_that_learns_the_draws_before_it_does_are_independent() -> None:
    studies = compose_plan(Path("conf"), "smoke").studies
    tuned = next(study for study in studies.values() if study.experiment == "tuned_mlp")
    startup = tuned.design.proposer.arguments["startup_trials"]
    design = tuned.design.model_copy(update={"trials": 16})
    assert independent(design) == startup
    fixed = next(study for study in studies.values() if study.experiment == "norms_mlp")
    assert independent(fixed.design) == 0
