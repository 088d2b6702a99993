"""Intervals of samples: the textbook's, the median's, and those of clusters that all agree."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from pipeline.statistics.intervals import Estimate, estimate, ranked_estimate, sum_of
from pipeline.statistics.samples import bounded_sample, oriented, sample_of

INFINITE = math.inf


def test_the_interval_is_scipy_s_t_interval_on_the_means_of_seeds() -> None:
    values, seeds = [1.0, 3.0, 5.0, 5.5, 9.0, 9.5], [7, 7, 8, 8, 9, 9]
    found = estimate(sample_of(values, seeds=seeds), level=0.99)
    assert found is not None
    means = [2.0, 5.25, 9.25]
    expected = stats.t.interval(0.99, 2, loc=np.mean(means), scale=stats.sem(means))
    assert (found.low, found.high) == pytest.approx(expected)
    assert (found.method, found.clusters, found.blocks, found.known) == ("t", 3, 6, "exactly")


def test_the_interval_is_the_textbook_s_and_its_side_of_zero_the_reading() -> None:
    # 0.1, 0.2, 0.3: standard deviation 0.1; t of 97.5% and 2 degrees from printed tables.
    half = 4.302652729911275 * 0.1 / math.sqrt(3)
    for shift, reading in ((0.2, "undecided"), (0.3, "higher"), (-0.3, "lower")):
        values = [shift - 0.1, shift, shift + 0.1]
        found = estimate(sample_of(values, seeds=[1, 2, 3]), level=0.95)
        assert found is not None
        assert found.limits == pytest.approx((shift - half, shift + half))
        assert (found.spread, found.reading) == (pytest.approx(0.1), reading)


def test_equal_differences_of_rounded_scores_are_no_spread() -> None:
    # They differ in their last bits only.
    found = estimate(sample_of([0.97 - 0.96, 0.55 - 0.54], seeds=[1, 2]), level=0.95)
    assert found is not None
    assert (found.spread, found.low, found.reading) == (0, None, "undecided")


def test_no_blocks_have_no_estimate() -> None:
    assert estimate(sample_of([], seeds=[]), level=0.95) is None


def test_one_cluster_has_a_value_and_no_limits() -> None:
    found = estimate(sample_of([0.2, 0.4], seeds=[1, 1]), level=0.95)
    assert found is not None
    assert found.value == pytest.approx(0.3)
    assert (found.limits, found.method) == ((-INFINITE, INFINITE), "none")


@pytest.mark.parametrize("estimated", [estimate, ranked_estimate])
def test_clusters_that_agree_have_an_interval_from_six_on_where_they_count(
    estimated: Callable[..., Estimate | None],
) -> None:
    # All of n on one side has probability 2 / 2**n: 6.3% at 5, 3.1% at 6.
    for clusters, is_count, method in ((5, True, "none"), (6, True, "count"), (6, False, "none")):
        sample = sample_of([1.0] * clusters, seeds=range(clusters), is_count=is_count)
        found = estimated(sample, level=0.95)
        assert found is not None
        limits = (1.0, 1.0) if method == "count" else (-INFINITE, INFINITE)
        assert (found.limits, found.method) == (limits, method)


def test_clusters_that_agree_on_a_share_leave_room_for_those_unseen() -> None:
    sample = sample_of([1.0] * 8, seeds=range(8)).model_copy(update={"bound": 1.0})
    found = estimate(sample, level=0.95)
    assert found is not None
    # Clopper and Pearson for 8 of 8, as scipy has it; the others may be at -1.
    least = stats.binomtest(8, 8).proportion_ci(0.95, method="exact").low
    assert found.limits == pytest.approx((2 * least - 1, 1.0))
    assert found.method == "unseen"


def test_values_at_the_grid_s_end_are_at_least_what_they_are() -> None:
    sample = bounded_sample([1.0] * 8, [INFINITE] * 8, seeds=range(8))
    found = estimate(sample, level=0.99)
    assert found is not None
    assert (found.value, found.known, found.low, found.high) == (1.0, "at least", 1.0, None)


def test_values_without_any_bound_say_nothing() -> None:
    found = estimate(bounded_sample([-INFINITE] * 8, [INFINITE] * 8, seeds=range(8)), level=0.95)
    assert found is not None
    assert (found.value, found.known, found.limits) == (None, "not at all", (-INFINITE, INFINITE))


def test_turning_a_sample_turns_its_bounds_points_and_failures() -> None:
    sample = bounded_sample([1.0, -INFINITE], [INFINITE, 2.0], seeds=[1, 2])
    failures = sample_of([1.0, 0.0], seeds=[1, 2])
    sample = sample.model_copy(update={"points": (3.0, 4.0), "failures": failures})
    turned = oriented(sample, "less")
    assert (turned.lows, turned.highs, turned.points) == ((None, -2.0), (-1.0, None), (-3.0, -4.0))
    assert turned.failures is not None
    assert turned.failures.lows == (-1.0, -0.0)
    assert oriented(sample, "greater") == sample


def test_independent_effects_add_like_independent_errors() -> None:
    # Symmetric intervals: half-widths 3 and 4 add to 5.
    first = estimate(sample_of([1.0, 2.0, 3.0], seeds=[1, 2, 3]), level=0.95)
    assert first is not None
    three = first.model_copy(update={"value": 10.0, "low": 7.0, "high": 13.0})
    four = first.model_copy(update={"value": 1.0, "low": -3.0, "high": 5.0})
    found = sum_of(three, four)
    assert (found.value, found.low, found.high) == pytest.approx((11.0, 6.0, 16.0))


def test_a_sum_with_an_open_side_is_open_there_and_levels_must_agree() -> None:
    first = estimate(sample_of([1.0, 2.0, 3.0], seeds=[1, 2, 3]), level=0.95)
    assert first is not None
    found = sum_of(first, first.model_copy(update={"high": None, "known": "at least"}))
    assert found.low is not None
    assert (found.high, found.known) == (None, "at least")
    with pytest.raises(ValueError, match="no common sum"):
        sum_of(first, first.model_copy(update={"level": 0.99}))


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused_not_dropped(broken: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        sample_of([1.0, broken], seeds=[1, 2])


def test_bounds_in_the_wrong_order_and_values_without_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="above its high"):
        bounded_sample([2.0], [1.0], seeds=[1])
    with pytest.raises(ValueError, match="one value per block"):
        sample_of([1.0, 2.0], seeds=[1])
