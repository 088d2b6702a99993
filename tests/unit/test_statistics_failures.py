"""Who failed: one line for all the runs of an arm, by either kind of statistics, paired."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from fixed_runs import MANIFESTS, answer, by_name, fixed_study

from pipeline.statistics.failures import marked, outcomes
from pipeline.statistics.intervals import estimate
from pipeline.statistics.pairs import failure_sample, pair, with_statistics
from pipeline.statistics.runs import CONFIRM, SWEEP, judged, of_study, runs_table
from pipeline.tasks.classification import Classification


def _runs(**columns: object) -> pd.DataFrame:
    base = {"study": "rates/d/m/sgd/none", "diverged": False, "task": Classification()}
    return pd.DataFrame({**base, **columns})


def test_a_run_fails_under_half_of_what_its_arm_can_do_at_its_best_rate() -> None:
    # Best per seed: 0.9 and 0.8, median 0.85, line 0.425, although most rates stay at chance.
    runs = _runs(
        seed=[1, 1, 1, 2, 2, 2],
        validation_score=[0.9, 0.1, 0.43, 0.7, 0.42, 0.8],
        best_validation_score=[0.9, 0.3, 0.5, 0.8, 0.5, 0.8],
        diverged=[False, False, False, False, False, True],
    )
    assert marked(runs)["failed"].tolist() == [False, True, False, False, True, True]


def test_each_arm_has_a_line_of_its_own() -> None:
    runs = _runs(
        study=["a/none", "a/none", "a/batch", "a/batch"],
        seed=[1, 2, 1, 2],
        validation_score=[0.3, 0.3, 0.9, 0.3],
        best_validation_score=[0.3, 0.3, 0.9, 0.9],
    )
    assert marked(runs)["failed"].tolist() == [False, False, False, True]


def test_a_run_that_moving_averages_spoil_has_not_failed_by_recalibrated_statistics() -> None:
    # Both trained to 0.9; moving averages score one of them at chance, and the third is plain.
    runs = _runs(
        study=["a/batch", "a/batch", "a/none"],
        seed=[1, 2, 1],
        validation_score=[0.9, 0.1, 0.1],
        best_validation_score=[0.9, 0.8, 0.8],
        validation_score_recalibrated=[0.9, 0.9, math.nan],
        best_validation_score_recalibrated=[0.9, 0.9, math.nan],
    )
    found = marked(runs)
    assert found["failed"].tolist() == [False, True, True]
    assert found["failed_recalibrated"].tolist() == [False, False, True]
    assert with_statistics(found, "recalibrated")["failed"].tolist() == [False, False, True]
    counted = outcomes(found)
    assert (counted.runs, counted.failed, counted.failed_recalibrated, counted.diverged) == (
        3,
        2,
        1,
        0,
    )


def test_no_runs_have_no_failures() -> None:
    runs = runs_table([], {}, {})
    assert outcomes(runs).runs == outcomes(runs).failed == 0
    assert {"failed", "failed_recalibrated"} <= set(runs)


def test_a_search_s_trials_and_its_confirmed_runs_are_held_against_one_line() -> None:
    made = fixed_study("none", confirm_seeds=[8, 9])
    design = made.design.plain() | {"searches": True, "has_winner": True, "seeds": "first"}
    made = fixed_study("none", design=design, confirm_seeds=[8, 9])
    # Three seeds reach 0.9, 0.9 and 0.5: the line is at 0.45, whoever ran alone.
    swept = [
        answer(made, n, {}, 1, {"validation_score": score}) for n, score in enumerate([0.9, 0.44])
    ]
    confirmed = [
        answer(made, n, {}, seed, {"validation_score": score})
        for n, (seed, score) in enumerate([(8, 0.9), (9, 0.44)])
    ]
    runs = runs_table(swept, by_name(made), MANIFESTS, confirmed=confirmed)
    assert of_study(runs, made.name, SWEEP)["failed"].tolist() == [False, True]
    assert of_study(runs, made.name, CONFIRM)["failed"].tolist() == [False, True]
    assert judged(runs, by_name(made))["seed"].tolist() == [8, 9]


def test_the_best_of_a_run_is_of_its_curve_and_its_end_and_of_either_statistics() -> None:
    made = fixed_study()
    figures = {
        "validation_score": 0.4,
        "validation_score_recalibrated": 0.5,
        "curves": {
            "validation_score": [0.7, 0.3],
            "validation_score_recalibrated": [0.6, None],
        },
    }
    runs = runs_table([answer(made, 0, {}, 1, figures)], by_name(made), MANIFESTS)
    assert runs["best_validation_score"].tolist() == [0.7]
    assert runs["best_validation_score_recalibrated"].tolist() == [0.7]


def _paired(ours: list[bool], theirs: list[bool]) -> pd.DataFrame:
    sides = (pd.DataFrame({"seed": range(len(side)), "failed": side}) for side in (ours, theirs))
    return pair(*sides, block=("seed",))


def test_paired_failures_differ_in_their_share_with_mcnemar_beside() -> None:
    sample = failure_sample(_paired([True, True, True, False], [False] * 4))
    assert sample is not None
    found = estimate(sample, level=0.95)
    assert found is not None
    assert found.value == pytest.approx(0.75)  # 3 of 4 against 0 of 4
    assert sample.mcnemar == pytest.approx(2 * 0.5**3)  # all three discordant pairs on one side


def test_pairs_that_fail_together_are_no_evidence() -> None:
    sample = failure_sample(_paired([True, False], [True, False]))
    assert sample is not None
    assert (sample.lows, sample.mcnemar) == ((0.0, 0.0), 1)
    assert failure_sample(_paired([False], [False])) is None
