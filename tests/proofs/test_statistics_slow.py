"""What the statistics promise, measured on planted effects; each prints its figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from pipeline.claims.controls import empirical_error
from pipeline.claims.rules import Direction, word_of
from pipeline.findings.tuned.comparisons import simultaneous
from pipeline.findings.tuned.comparisons import word_of as reads
from pipeline.findings.tuned.same_arm import EXPECTED, rates
from pipeline.statistics.crossed import crossed_estimate
from pipeline.statistics.intervals import estimate, ranked_estimate
from pipeline.statistics.ranks import ranked_limits
from pipeline.statistics.samples import bounded_sample, sample_of

pytestmark = pytest.mark.slow

DRAWS = 2_000
MARGIN = math.log(1.1)
Draw = Callable[[Generator, int], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda generator, count: generator.normal(size=count),
    "t3": lambda generator, count: generator.standard_t(3, count),
}


@pytest.mark.parametrize("clusters", [5, 10, 30])
@pytest.mark.parametrize("noise", NOISE)
def test_the_interval_covers_a_planted_effect_as_often_as_it_says(
    noise: str, clusters: int, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng([clusters, len(noise)])
    planted, blocks, covered = 0.3, 3, 0
    for _ in range(DRAWS):
        seeds = np.repeat(np.arange(clusters), blocks)
        values = planted + np.repeat(NOISE[noise](generator, clusters), blocks)
        values += 0.5 * generator.normal(size=len(values))  # blocks of one seed share most of it
        found = estimate(sample_of(values, seeds=seeds), level=0.95)
        assert found is not None
        low, high = found.limits
        covered += low <= planted <= high
    with capsys.disabled():
        print(f"\ncoverage, {noise}, {clusters} clusters: {100 * covered / DRAWS:.1f}%")
    assert 0.93 <= covered / DRAWS <= 0.97


@pytest.mark.parametrize("clusters", [8, 16, 30])
@pytest.mark.parametrize("noise", NOISE)
def test_signed_ranks_cover_a_planted_effect_as_often_as_they_say(
    noise: str, clusters: int, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng([1, clusters, len(noise)])
    covered = 0
    for _ in range(DRAWS):
        values = 0.3 + NOISE[noise](generator, clusters)
        found = ranked_estimate(sample_of(values, seeds=range(clusters)), level=0.95)
        assert found is not None
        covered += found.limits[0] <= 0.3 <= found.limits[1]
    with capsys.disabled():
        print(f"\nranks, {noise}, {clusters} clusters: {100 * covered / DRAWS:.1f}%")
    assert 0.93 <= covered / DRAWS <= 0.975


@pytest.mark.parametrize("step", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("clusters", [8, 30])
def test_values_between_grid_points_are_covered_however_coarse_the_grid(
    clusters: int, step: float, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(clusters)
    planted, covered, as_exact = 0.3, 0, 0
    for _ in range(DRAWS):
        start = generator.uniform(0, step)  # where the grid lies is luck, too
        values = planted + generator.normal(size=clusters)
        lows = start + step * np.floor((values - start) / step)
        bounds = bounded_sample(lows, lows + step, seeds=range(clusters))
        found = ranked_estimate(bounds, level=0.95)
        middles = lows + step / 2
        naive = ranked_limits(middles, middles, level=0.95)
        assert found is not None
        covered += found.limits[0] <= planted <= found.limits[1]
        as_exact += naive[0] <= planted <= naive[1]
    with capsys.disabled():
        print(
            f"\ngrid of {step}, {clusters} clusters: {100 * covered / DRAWS:.1f}%, "
            f"{100 * as_exact / DRAWS:.1f}% as if their middles were exact"
        )
    assert covered / DRAWS >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / DRAWS)
    assert as_exact < covered


def test_a_planted_share_of_failures_is_covered_also_where_all_seeds_agree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    generator = np.random.default_rng(12)
    for share, clusters in itertools.product((0.02, 0.98), (8, 20)):
        agreeing = covered = 0
        for _ in range(DRAWS):
            values = (generator.random(clusters) < share).astype(float)
            sample = sample_of(values, seeds=range(clusters)).model_copy(update={"bound": 1.0})
            found = estimate(sample, level=0.95)
            assert found is not None
            if found.method == "unseen":
                agreeing += 1
                covered += found.limits[0] <= share <= found.limits[1]
        with capsys.disabled():
            print(f"\nshare {share}, {clusters} clusters: {covered} of {agreeing} that agree cover")
        assert covered == agreeing > 0


def _searched(generator: Generator, searches: int, effect: float = 0.0) -> np.ndarray:
    """Log errors of as many searches' winners, each confirmed on two fresh seeds.

    A search tries 6 of many settings; what it picks by noisy validation scores is noise too,
    larger than a run's own (log errors 0.3 between settings, 0.08 between runs).
    """
    settings = np.abs(generator.normal(0, 0.3, (searches, 6)))  # over the best there is
    seen = settings + generator.normal(0, 0.08, settings.shape)
    won = np.take_along_axis(settings, seen.argmin(axis=1)[:, None], axis=1)
    fresh = won + generator.normal(0, 0.08, (searches, 2))
    return np.asarray(effect + fresh.mean(axis=1), np.float64)


@pytest.mark.parametrize("searches", [6, 8])
def test_two_equal_tuned_arms_are_called_different_in_under_seven_percent(
    searches: int, capsys: pytest.CaptureFixture[str]
) -> None:
    generator, seeds = np.random.default_rng(searches), range(searches)
    outside = called = found = 0
    for _ in range(DRAWS):
        ours, theirs = _searched(generator, searches), _searched(generator, searches)
        alone = estimate(sample_of(ours - theirs, seeds=seeds), level=0.95)
        adjusted = simultaneous(0.95, 7)
        family = estimate(sample_of(ours - theirs, seeds=seeds), level=adjusted)
        planted = _searched(generator, searches, math.log(0.5)) - theirs
        assert alone is not None
        outside += alone.reading != "undecided"
        called += reads(family, MARGIN) in ("helps", "hurts")
        found += reads(estimate(sample_of(planted, seeds=seeds), level=adjusted), MARGIN) == "helps"
    with capsys.disabled():
        print(
            f"\ntuned, {searches} searches: zero outside in {100 * outside / DRAWS:.1f}%, called "
            f"different in {100 * called / DRAWS:.1f}%, half the errors found in "
            f"{100 * found / DRAWS:.1f}%"
        )
    assert outside / DRAWS < 0.07
    assert called / DRAWS < 0.07 / 7
    assert found / DRAWS > 0.8


def test_the_control_of_an_arm_against_itself_errs_as_often_as_the_level_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    generator, low_high = np.random.default_rng(16), []
    for _ in range(200):
        errors, adjusted = _searched(generator, 16), simultaneous(0.95, 7)
        found = rates(errors, level=0.95, adjusted=adjusted, margin=MARGIN)
        assert found is not None
        low_high.append(found[0])
    inside = np.mean([EXPECTED[0] <= each <= EXPECTED[1] for each in low_high])
    with capsys.disabled():
        print(f"\narm against itself: mean {np.mean(low_high):.1%}, 2 to 8% in {inside:.0%}")
    assert 0.03 <= np.mean(low_high) <= 0.07
    assert inside >= 0.9


def test_equal_arms_are_called_different_no_more_often_than_the_level_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    generator = np.random.default_rng(6)
    rule = Direction(kind="direction", margin=0.1)
    called = outside = 0
    for _ in range(DRAWS):
        sample = sample_of(generator.normal(0, 0.2, 8), seeds=range(8))
        found = estimate(sample, level=0.95)
        assert found is not None
        called += word_of(rule, *found.limits) in ("supported", "refuted")
        outside += found.limits[0] > 0 or found.limits[1] < 0
    flipped = empirical_error(sample, rule, level=0.95, generator=generator)
    assert flipped is not None
    with capsys.disabled():
        print(
            f"\nequal arms: called different {100 * called / DRAWS:.2f}%, zero outside "
            f"{100 * outside / DRAWS:.1f}%; by flips of one draw "
            f"{100 * flipped.called_different:.2f}%, {100 * flipped.zero_outside:.1f}%"
        )
    assert called <= outside
    assert 0.03 <= outside / DRAWS <= 0.07


@pytest.mark.parametrize(("seeds", "images"), [(8, 200), (30, 200)])
def test_seeds_and_images_together_cover_what_neither_does_alone(
    seeds: int, images: int, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(seeds)
    draws, covered, alone = 1_000, 0, 0
    for _ in range(draws):
        # Both arms have the same chances: some images are harder for one arm, on every seed.
        lean = generator.normal(0, 0.2, images)
        run = generator.normal(0, 0.02, (2, seeds, 1))
        chances = np.clip(0.7 + np.array([lean, -lean])[:, None, :] + run, 0.01, 0.99)
        right = generator.random((2, seeds, images)) < chances
        found = crossed_estimate(right[0], right[1], level=0.95)
        assert found is not None
        covered += found.limits[0] <= 0 <= found.limits[1]
        means = 100 * (right[0].mean(axis=1) - right[1].mean(axis=1))
        by_seed = estimate(sample_of(means, seeds=range(seeds)), level=0.95)
        assert by_seed is not None
        alone += by_seed.limits[0] <= 0 <= by_seed.limits[1]
    with capsys.disabled():
        print(
            f"\nimages, {seeds} seeds: {100 * covered / draws:.1f}% covered, "
            f"{100 * alone / draws:.1f}% by seeds alone"
        )
    assert covered / draws >= 0.93
    assert covered > alone
