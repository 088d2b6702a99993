"""What a failure is, and how two arms' failures compare."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.statistics.failures import count_failures, failed_runs, failure_difference


def _runs(final: list[float], best: list[float], diverged: list[bool]) -> pd.DataFrame:
    return pd.DataFrame(
        {"validation_score": final, "best_validation_score": best, "diverged": diverged}
    )


def test_a_run_under_half_of_the_median_best_fails_and_one_at_half_does_not() -> None:
    # The median of the bests 0.8, 0.8, 0.9 is 0.8: the line is at 0.4.
    runs = _runs([0.4, 0.39, 0.9], [0.8, 0.8, 0.9], [False, False, False])
    assert failed_runs(runs).tolist() == [False, True, False]


def test_a_diverged_run_fails_whatever_its_accuracy() -> None:
    counted = count_failures(_runs([0.9, 0.9], [0.9, 0.9], [True, False]))
    assert (counted.runs, counted.failed, counted.diverged, counted.share) == (2, 1, 1, 0.5)


def test_no_runs_have_no_share_of_failures() -> None:
    counted = count_failures(_runs([], [], []))
    assert (counted.runs, counted.failed, counted.share) == (0, 0, None)


def test_paired_failures_differ_in_points_with_mcnemar_beside() -> None:
    found = failure_difference(
        [True, True, True, False], [False, False, False, False], seeds=[1, 2, 3, 4], level=0.95
    )
    assert found.points.estimate == pytest.approx(75)  # 3 of 4 against 0 of 4
    assert found.mcnemar == pytest.approx(2 * 0.5**3)  # all three discordant pairs on one side


def test_pairs_that_fail_together_are_no_evidence() -> None:
    found = failure_difference([True, False], [True, False], seeds=[1, 2], level=0.95)
    assert (found.points.estimate, found.points.low, found.mcnemar) == (0, None, 1)
