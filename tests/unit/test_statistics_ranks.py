"""The interval by signed ranks: against scipy's test turned round, and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.statistics.ranks import fewest_clusters, ranked_centre, ranked_limits

INFINITE = math.inf


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("count", [6, 8, 16, 30])
def test_the_limits_are_where_wilcoxon_s_exact_test_begins_to_reject(
    count: int, level: float
) -> None:
    values = np.random.default_rng(count).normal(0.3, 1, count)
    low, high = (float(each) for each in ranked_limits(values, values, level=level))

    def rejects(center: float) -> bool:
        return bool(stats.wilcoxon(values - center, method="exact").pvalue <= 1 - level)

    if math.isinf(low):
        assert count < fewest_clusters(level)
        assert not rejects(-100)
        return
    for limit, outwards in ((low, -1e-9), (high, 1e-9)):
        assert rejects(limit + outwards)
        assert not rejects(limit - outwards)


@pytest.mark.parametrize(("level", "count"), [(0.95, 6), (0.99, 8), (0.995, 9), (0.9, 5)])
def test_limits_begin_where_all_on_one_side_is_rare_enough(level: float, count: int) -> None:
    assert fewest_clusters(level) == count
    for clusters, is_finite in ((count - 1, False), (count, True)):
        values = np.arange(float(clusters))
        assert math.isfinite(float(ranked_limits(values, values, level=level)[0])) == is_finite


def test_the_normal_law_of_many_clusters_meets_the_exact_one() -> None:
    for count in (60, 61):  # the last exact one, the first that is not
        values = np.arange(float(count))
        low, high = ranked_limits(values, values, level=0.95)
        half = 1.96 * math.sqrt(count * (count + 1) * (2 * count + 1) / 24) / count
        middle = (count - 1) / 2
        assert (middle - low, high - middle) == pytest.approx((half, half), abs=0.6)


def test_the_limits_are_the_worst_over_everything_the_bounds_allow() -> None:
    lows = np.array([0.0, 1.0, -50.0, 2.0, 3.0, 1.5, 0.5])
    highs = np.array([0.0, 1.0, -1.0, 50.0, 3.0, 2.5, 0.5])
    found = [
        ranked_limits(np.array(values), np.array(values), level=0.95)
        for values in itertools.product(*zip(lows, highs, strict=True))
    ]
    low, high = ranked_limits(lows, highs, level=0.95)
    assert low == min(each for each, _ in found)
    assert high == max(each for _, each in found)
    below, above = ranked_centre(lows, highs)
    assert below <= above


def test_failures_on_both_sides_leave_no_limit_and_on_one_side_the_other() -> None:
    worse = np.array([INFINITE] * 8)
    assert ranked_limits(worse, worse, level=0.95) == (INFINITE, INFINITE)
    both = np.array([INFINITE, -INFINITE] * 4)
    assert ranked_limits(both, both, level=0.95) == (-INFINITE, INFINITE)


VALUE = st.one_of(st.integers(-4, 4).map(float), st.sampled_from([-INFINITE, INFINITE]))


@given(st.lists(VALUE, min_size=6, max_size=16), st.data())
@settings(max_examples=300, deadline=None)
def test_no_limit_falls_when_a_cluster_rises(values: list[float], data: st.DataObject) -> None:
    risen = list(values)
    place = data.draw(st.integers(0, len(values) - 1))
    risen[place] = max(risen[place], data.draw(VALUE))
    before = ranked_limits(*(np.array(values),) * 2, level=0.95)
    after = ranked_limits(*(np.array(risen),) * 2, level=0.95)
    assert all(then >= once for once, then in zip(before, after, strict=True))
