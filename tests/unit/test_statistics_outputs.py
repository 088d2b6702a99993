"""Robustness, batch sizes, the noise floor, controls, images."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from pipeline.claims.controls import empirical_error, judge_control
from pipeline.claims.robustness import robustness
from pipeline.claims.rules import Direction, Word, word_of
from pipeline.claims.verdict import plain_verdict
from pipeline.findings.map.batch_sizes import curve_over_batch_size
from pipeline.statistics.crossed import crossed_estimate
from pipeline.statistics.intervals import estimate, ranked_estimate
from pipeline.statistics.noise import noise_floor, probability_better
from pipeline.statistics.samples import bounded_sample, sample_of

RULE = Direction(kind="direction", margin=0.1)


def test_robustness_counts_the_specifications_that_were_tested() -> None:
    found = robustness(
        "supported",
        {
            "recalibrated": "supported",
            "tuned": "inconclusive",
            "mnist": "not tested here",
            "cifar10": "refuted",
        },
    )
    assert (found.same, found.tested, found.share) == (1, 3, pytest.approx(1 / 3))
    assert found.changed == {"tuned": "inconclusive", "cifar10": "refuted"}
    assert found.untested == ("mnist",)


def test_a_verdict_without_other_specifications_has_no_share() -> None:
    assert robustness("supported", {}).share is None
    assert robustness("supported", {"mnist": "not tested here"}).share is None


def test_the_noise_floor_is_numpy_s_spreads_and_correlation_of_seeds() -> None:
    generator = np.random.default_rng(4)
    shared = generator.normal(0, 2, 6)
    ours, theirs = shared + generator.normal(0, 1, 6), shared + generator.normal(0, 1, 6)
    found = noise_floor(
        np.repeat(ours, 2) + np.tile([-3, 3], 6), np.repeat(theirs, 2), seeds=np.repeat(range(6), 2)
    )
    assert found.treatment == pytest.approx(np.std(ours, ddof=1))
    assert found.correlation == pytest.approx(stats.pearsonr(ours, theirs).statistic)
    bought = (np.var(ours) + np.var(theirs)) / np.var(ours - theirs)
    assert found.unpaired_clusters == pytest.approx(bought)
    assert bought > 1  # what they share cancels
    assert found.clusters == 6


def test_no_spread_has_no_correlation_and_one_seed_no_spread() -> None:
    flat = noise_floor([0.9, 0.9], [0.8, 0.7], seeds=[1, 2])
    assert (flat.treatment, flat.correlation, flat.unpaired_clusters) == (0, None, None)
    assert noise_floor([0.9], [0.8], seeds=[1]).difference is None
    alike = noise_floor([0.5, 0.75], [0.25, 0.5], seeds=[1, 2])
    assert (alike.correlation, alike.unpaired_clusters) == (pytest.approx(1), None)


def test_ties_are_half_better_and_bounds_count_where_their_sign_is_known() -> None:
    assert probability_better(sample_of([1, 0, -1, 2], seeds=range(4))) == 0.625
    bounds = bounded_sample([0.5, -math.inf, -1], [math.inf, -0.5, 1], seeds=range(3))
    assert probability_better(bounds) == 0.5
    assert probability_better(sample_of([], seeds=[])) is None


def test_the_curve_over_batch_size_has_an_interval_at_each_size() -> None:
    sizes, gains = [2, 2, 2, 8, 8, 8], [1.0, 2.0, 3.0, 0.5, math.nan, 0.7]
    points = curve_over_batch_size(sizes, gains, seeds=[1, 2, 3, 1, 2, 3], level=0.95)
    assert [(point.batch_size, point.gain.clusters) for point in points] == [(2, 3), (8, 2)]
    assert points[0].gain == estimate(sample_of([1, 2, 3], seeds=[1, 2, 3]), level=0.95)


def test_flipped_signs_err_as_often_as_the_level_says() -> None:
    sample = sample_of(np.random.default_rng(1).normal(2, 1, 12), seeds=range(12))
    found = empirical_error(sample, RULE, level=0.95, generator=np.random.default_rng(0))
    assert found is not None
    assert (found.flips, found.clusters) == (2000, 12)
    assert found.called_different <= found.zero_outside
    assert found.zero_outside == pytest.approx(0.05, abs=0.02)


def test_the_fast_flips_are_the_plain_ones() -> None:
    # The twin: every one of the 2**6 signs once, judged by the interval and the table's functions.
    values = np.array([0.3, 0.5, 0.15, 0.9, 0.4, 0.2])
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=6)))

    class Every(np.random.Generator):
        def choice(self, *arguments: object, **more: object) -> np.ndarray:
            return signs

    found = empirical_error(
        sample_of(values, seeds=range(6)),
        RULE,
        level=0.95,
        generator=Every(np.random.PCG64(0)),
        flips=64,
    )
    words: list[Word] = []
    outside = 0
    for flips in signs:
        each = ranked_estimate(sample_of(values * flips, seeds=range(6)), level=0.95)
        assert each is not None
        words.append(word_of(RULE, *each.limits))
        outside += each.limits[0] > 0 or each.limits[1] < 0
    assert found is not None
    assert found.called_different == sum(word in ("supported", "refuted") for word in words) / 64
    assert found.zero_outside == outside / 64 == 2 / 64  # all of one sign, and nothing else


@pytest.mark.parametrize("values", [[], [1.0]])
def test_nothing_to_flip_has_no_error(values: list[float]) -> None:
    sample = sample_of(values, seeds=range(len(values)))
    assert empirical_error(sample, RULE, level=0.95, generator=np.random.default_rng(0)) is None


def test_bounds_have_no_error_either_and_agreeing_clusters_none_to_speak_of() -> None:
    generator = np.random.default_rng(0)
    bounds = bounded_sample([1.0, 1.0], [1.0, math.inf], seeds=[1, 2])
    assert empirical_error(bounds, RULE, level=0.95, generator=generator) is None
    zero = sample_of([0.0] * 8, seeds=range(8))
    found = empirical_error(zero, RULE, level=0.95, generator=generator)
    assert found is not None
    assert (found.called_different, found.zero_outside) == (0, 0)


@pytest.mark.parametrize(
    ("word", "negative", "broken"),
    [
        ("supported", True, True),
        ("refuted", False, False),
        ("no practical difference", False, False),
        ("inconclusive", False, False),  # too few or too noisy seeds do not pass
        ("not tested here", False, False),  # a control that did not run proves nothing
    ],
)
def test_controls_pass_when_the_rule_sees_what_is_there(
    word: Word, negative: bool, broken: bool
) -> None:
    verdict = plain_verdict(word)
    assert judge_control("negative", verdict).passed is negative
    assert judge_control("positive", verdict).passed is broken
    assert judge_control("sabotage", verdict).passed is broken


def test_images_and_seeds_both_widen_the_interval() -> None:
    generator = np.random.default_rng(9)
    # Images alone differ between the arms, the same ones on every seed.
    luck = generator.integers(0, 2, 400)
    ours, theirs = np.tile(luck, (8, 1)), np.ones((8, 400))
    found = crossed_estimate(ours, theirs, level=0.95)
    assert found is not None
    assert found.value == pytest.approx(100 * (luck.mean() - 1))
    assert found.low is not None
    assert found.high is not None
    half = stats.t.ppf(0.975, 7) * 100 * np.std(luck, ddof=1) / math.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * half)


def test_what_seeds_and_images_both_contain_is_counted_once() -> None:
    # The two-way layout's mean squares, written out over every cell.
    generator = np.random.default_rng(4)
    seeds, images = 6, 5
    effect = generator.integers(0, 2, (seeds, 1)) * generator.integers(0, 2, (1, images))
    ours = np.clip(effect + generator.integers(0, 2, (seeds, images)), 0, 1)
    theirs = np.zeros((seeds, images))
    apart = 100.0 * ours
    center = apart.mean()
    of_seeds = images * sum((row.mean() - center) ** 2 for row in apart) / (seeds - 1)
    of_images = seeds * sum((each.mean() - center) ** 2 for each in apart.T) / (images - 1)
    rest = sum(
        (apart[i, j] - apart[i].mean() - apart[:, j].mean() + center) ** 2
        for i in range(seeds)
        for j in range(images)
    ) / ((seeds - 1) * (images - 1))
    found = crossed_estimate(ours, theirs, level=0.95)
    assert found is not None
    assert found.high is not None
    assert found.value is not None
    variance = (of_seeds + of_images - rest) / (seeds * images)
    assert variance > max(of_seeds, of_images) / (seeds * images)  # not at its least
    expected = stats.t.ppf(0.975, 4) * math.sqrt(variance)
    assert found.high - found.value == pytest.approx(expected)


def test_images_without_seeds_or_differences_have_no_interval() -> None:
    right = np.ones((1, 9))
    assert crossed_estimate(right, right, level=0.95) is None
    same = crossed_estimate(np.ones((3, 9)), np.ones((3, 9)), level=0.95)
    assert same is not None
    assert (same.value, same.low, same.method) == (0, None, "none")
    with pytest.raises(ValueError, match="seeds by examples"):
        crossed_estimate(right, np.ones((1, 8)), level=0.95)
