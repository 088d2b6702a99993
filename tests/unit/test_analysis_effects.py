"""Intervals against arithmetic written out, their coverage, and what has no interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.statistics.effects import exponential, log_errors, mean_effect, paired_effect

T_975_2 = 4.302652729911275  # Student's t, 97.5%, 2 degrees of freedom, from printed tables


def test_the_interval_is_the_textbook_t_interval() -> None:
    effect = paired_effect([0.5, 0.7, 0.9], [0.4, 0.5, 0.6], seeds=[1, 2, 3], level=0.95)
    # Differences 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, standard error 0.1 / sqrt(3).
    half = T_975_2 * 0.1 / math.sqrt(3)
    assert effect.estimate == pytest.approx(0.2)
    assert effect.spread == pytest.approx(0.1)
    assert effect.low == pytest.approx(0.2 - half)
    assert effect.high == pytest.approx(0.2 + half)
    assert effect.reading == "undecided"  # 0.2 - 0.248 lies below zero


def test_blocks_of_one_seed_are_one_cluster() -> None:
    effect = mean_effect([1, 3, 5, 5, 9, 9], seeds=[7, 7, 8, 8, 9, 9], level=0.95)
    alone = mean_effect([2, 5, 9], seeds=[7, 8, 9], level=0.95)  # the means of the pairs
    assert (effect.clusters, effect.blocks) == (3, 6)
    assert (effect.estimate, effect.low, effect.high) == (alone.estimate, alone.low, alone.high)


def test_the_interval_covers_what_was_planted_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    draws, planted = 200, 0.7
    covered = 0
    for _ in range(draws):
        effect = mean_effect(generator.normal(planted, 2, 5), seeds=np.arange(5), level=0.9)
        assert effect.low is not None
        assert effect.high is not None
        covered += effect.low <= planted <= effect.high
    # Binomial(200, 0.9): mean 180, standard deviation 4.2; three of them to each side.
    assert 167 <= covered <= 193


def test_the_sign_of_the_reading_is_the_interval_s_side_of_zero() -> None:
    seeds = [1, 2, 3]
    assert mean_effect([1.0, 1.1, 1.2], seeds=seeds, level=0.95).reading == "higher"
    assert mean_effect([-1.0, -1.1, -1.2], seeds=seeds, level=0.95).reading == "lower"


@pytest.mark.parametrize(
    ("values", "seeds"), [([0.3], [1]), ([0.3, 0.5], [1, 1]), ([0.2, 0.2, 0.2], [1, 2, 3])]
)
def test_one_cluster_or_no_spread_has_an_estimate_but_no_interval(
    values: list[float], seeds: list[int]
) -> None:
    effect = mean_effect(values, seeds=seeds, level=0.95)
    assert effect.estimate == pytest.approx(sum(values) / len(values))
    assert (effect.low, effect.high, effect.reading) == (None, None, "undecided")


def test_equal_differences_of_rounded_accuracies_are_no_spread() -> None:
    # 0.97 - 0.96 and 0.55 - 0.54 differ in their last bits only.
    effect = paired_effect([0.97, 0.55], [0.96, 0.54], seeds=[1, 2], level=0.95)
    assert effect.low is None


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_refused_not_dropped(broken: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        paired_effect([0.5, broken], [0.5, 0.5], seeds=[1, 2], level=0.95)


def test_shapes_that_differ_and_no_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="one score per block"):
        paired_effect([0.5, 0.6], [0.5], seeds=[1, 2], level=0.95)
    with pytest.raises(ValueError, match="at least one block"):
        mean_effect([], seeds=[], level=0.95)


def test_no_errors_at_all_still_have_a_log() -> None:
    logs = log_errors([1.0, 0.99], examples=1000)
    # (0 + 1/2) / 1001 and (10 + 1/2) / 1001
    assert logs == pytest.approx([math.log(0.5 / 1001), math.log(10.5 / 1001)])


def test_a_log_error_ratio_is_undone_by_the_exponential() -> None:
    effect = paired_effect(
        log_errors([0.8, 0.8], examples=10**6),
        log_errors([0.9, 0.9], examples=10**6),
        seeds=[1, 2],
        level=0.95,
    )
    ratio = exponential(effect)
    assert ratio.estimate == pytest.approx(2, rel=1e-5)  # 20% of errors over 10%
    assert (ratio.low, ratio.high) == (None, None)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_an_accuracy_that_is_no_share_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="share from 0 to 1"):
        log_errors([wrong], examples=10)


def test_an_error_rate_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 example"):
        log_errors([0.5], examples=0)
