"""Each kind of effect on tables small enough to compute by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.claims.kinds.depth import slope_per_doubling
from pipeline.claims.kinds.errors import difference_of_differences, log_error_ratio
from pipeline.claims.kinds.figures import difference, failing_share, value
from pipeline.claims.kinds.largest_rate import largest_rate
from pipeline.claims.kinds.shadow_gap import shadow_gap
from pipeline.claims.kinds.spreads import epoch_spread, epoch_spread_ratio, seed_spread_ratio
from pipeline.claims.kinds.time_to_target import steps_to_target, time_to_target
from pipeline.statistics.intervals import estimate
from pipeline.statistics.pairs import pair, ranked_seeds, select, with_statistics
from pipeline.tasks.classification import Classification

SEED = ("seed",)
TASK = Classification()


def _runs(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    return frame if "failed" in frame else frame.assign(failed=False)


def _accuracies(*shares: float, examples: int = 1000, **columns: object) -> pd.DataFrame:
    seeds = columns.pop("seed", range(1, len(shares) + 1))
    shown = {"test_score": shares, "test_error": [1 - share for share in shares]}
    return _runs(seed=seeds, **shown, task=TASK, test_examples=examples, **columns)


def _log_error(share: float, examples: int = 1000) -> float:
    """With the guard, (errors + 1/2) / (examples + 1)."""
    return math.log(((1 - share) * examples + 0.5) / (examples + 1))


def test_a_selection_names_columns_and_one_or_several_values() -> None:
    runs = _runs(seed=[1, 2, 3], arm=["none", "batch", "batch"], batch_size=[2, 2, 4])
    assert select(runs, {"arm": "batch", "batch_size": (2, 4)})["seed"].tolist() == [2, 3]
    assert select(runs, {})["seed"].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="no column depth"):
        select(runs, {"depth": 2})


def test_blocks_are_what_both_sides_ran_in_order() -> None:
    ours, theirs = _accuracies(0.9, 0.8, seed=[3, 1]), _accuracies(0.7, 0.6, seed=[1, 2])
    pairs = pair(ours, theirs, block=SEED)
    assert pairs["seed"].tolist() == [1]
    assert (pairs["test_score"][0], pairs["test_score_control"][0]) == (0.8, 0.7)


def test_disjoint_seeds_pair_by_rank() -> None:
    plain, copy = _accuracies(0.9, 0.8, seed=[1, 2]), _accuracies(0.7, 0.6, seed=[12, 11])
    pairs = pair(ranked_seeds(plain), ranked_seeds(copy), block=SEED)
    assert pairs["test_score_control"].tolist() == [0.6, 0.7]


def test_two_runs_in_one_block_and_blocks_without_a_seed_are_refused() -> None:
    with pytest.raises(ValueError, match="two runs are in the block"):
        pair(_accuracies(0.9, 0.8, seed=[1, 1]), _accuracies(0.9), block=SEED)
    with pytest.raises(ValueError, match="add seed"):
        pair(_accuracies(0.9), _accuracies(0.9), block=("model",))


def test_recalibrated_statistics_replace_every_accuracy_that_has_them() -> None:
    runs = _runs(seed=[1, 2], test_score=[0.5, 0.6], test_score_recalibrated=[0.9, math.nan])
    assert with_statistics(runs, "recalibrated")["test_score"].tolist() == [0.9, 0.6]
    assert with_statistics(runs, "moving")["test_score"].tolist() == [0.5, 0.6]


def test_a_log_error_ratio_is_one_log_less_the_other_with_the_guard() -> None:
    sample = log_error_ratio(
        _accuracies(0.99, 1.0), _accuracies(0.98, 0.97), block=SEED, metric="test_error"
    )
    expected = [_log_error(0.99) - _log_error(0.98), _log_error(1.0) - _log_error(0.97)]
    assert sample.lows == pytest.approx(expected)
    assert sample.points == pytest.approx([1.0, 3.0])
    assert sample.failures is None


def test_the_examples_behind_an_accuracy_may_differ_between_blocks() -> None:
    ours = _accuracies(0.5, 0.5).assign(test_examples=[10, 1000])
    sample = log_error_ratio(ours, _accuracies(0.5, 0.5), block=SEED, metric="test_error")
    assert sample.lows == pytest.approx([_log_error(0.5, 10) - _log_error(0.5), 0.0])


def test_a_failed_run_is_counted_apart_and_never_averaged_in() -> None:
    ours = _accuracies(0.9, 0.8, 0.9, failed=[False, False, False])
    theirs = _accuracies(0.1, 0.8, 0.1, failed=[True, False, True])
    sample = log_error_ratio(ours, theirs, block=SEED, metric="test_error")
    assert (sample.seeds, sample.lows, sample.present) == ((2,), (0.0,), 3)
    assert sample.failures is not None
    assert sample.failures.lows == (-1.0, 0.0, -1.0)
    assert sample.failures.mcnemar == pytest.approx(0.5)  # two of two on one side: 2 / 2**2


def test_an_empty_arm_gives_an_empty_sample_in_every_kind() -> None:
    full = _accuracies(0.9, 0.8).assign(
        learning_rate=0.1, depth=2, model="mlp", steps=[(1, 2)] * 2, curve=[(0.1, 0.2)] * 2
    )
    none = full.iloc[:0]
    cell = ("seed", "model")
    samples = [
        log_error_ratio(none, full, block=SEED, metric="test_error"),
        difference(full, none, block=SEED, metric="depth", times=1.0),
        value(none, block=SEED, metric="depth", times=1.0),
        failing_share(none, none, block=SEED),
        largest_rate(none, full, block=SEED, rate="learning_rate"),
        time_to_target(none, full, block=SEED, curve="curve", target=0.9),
        shadow_gap(none, block=SEED, slow="curve", fast="curve", step=2),
        epoch_spread_ratio(none, full, block=SEED, curve="curve", skip=0, examples="test_examples"),
        seed_spread_ratio(none, full, block=SEED, metric="test_score"),
        slope_per_doubling(none, full, block=("seed", "depth"), metric="test_error", axis="depth"),
        difference_of_differences(
            none, full, block=cell, metric="test_error", axis="model", at="cnn", against="mlp"
        ),
    ]
    for sample in samples:
        assert (sample.seeds, sample.present) == ((), 0)
        assert estimate(sample, level=0.95) is None


def test_where_all_runs_fail_there_are_failures_and_nothing_to_compare() -> None:
    gone = _accuracies(0.1, 0.1, failed=[True, True])
    sample = log_error_ratio(gone, gone, block=SEED, metric="test_error")
    assert (sample.seeds, sample.present) == ((), 2)
    assert sample.failures is not None
    assert (sample.failures.lows, sample.failures.mcnemar) == ((0.0, 0.0), 1.0)


def test_a_difference_of_differences_is_taken_seed_by_seed() -> None:
    ours = _accuracies(0.9, 0.9, 0.9, 0.9, seed=[1, 1, 2, 2], model=["cnn", "mlp"] * 2)
    theirs = _accuracies(0.8, 0.9, 0.7, 0.6, seed=[1, 1, 2, 2], model=["cnn", "mlp"] * 2)
    sample = difference_of_differences(
        ours,
        theirs,
        block=("seed", "model"),
        metric="test_error",
        axis="model",
        at="cnn",
        against="mlp",
    )
    nine, eight, seven, six = (_log_error(share) for share in (0.9, 0.8, 0.7, 0.6))
    assert sample.seeds == (1, 2)
    assert sample.lows == pytest.approx([(nine - eight) - 0, (nine - seven) - (nine - six)])
    assert sample.points == pytest.approx([10 - 0, 20 - 30])
    assert sample.present == 4


def test_an_interaction_averages_within_each_group_of_an_axis() -> None:
    sizes = [2, 4, 32, 64, 8]  # 8 is in neither group
    ours = _accuracies(0.5, 0.6, 0.9, 0.9, 0.1, seed=[1] * 5, batch_size=sizes)
    theirs = _accuracies(0.6, 0.8, 0.9, 0.8, 0.9, seed=[1] * 5, batch_size=sizes)
    sample = difference_of_differences(
        ours,
        theirs,
        block=("seed", "batch_size"),
        metric="test_error",
        axis="batch_size",
        at=(2, 4),
        against=(32, 64),
    )
    assert sample.points == pytest.approx([(-10 - 20) / 2 - (0 + 10) / 2])
    assert sample.present == 5  # what was planned and is in neither group is not missing


def test_failures_of_an_interaction_are_a_difference_of_differences_too() -> None:
    cells = {"seed": [1, 1, 2, 2], "model": ["cnn", "mlp"] * 2}
    ours = _accuracies(0.9, 0.9, 0.9, 0.9, **cells)
    theirs = _accuracies(0.1, 0.9, 0.1, 0.1, failed=[True, False, True, True], **cells)
    sample = difference_of_differences(
        ours,
        theirs,
        block=("seed", "model"),
        metric="test_error",
        axis="model",
        at="cnn",
        against="mlp",
    )
    assert sample.seeds == ()  # no seed trained in both
    assert sample.failures is not None
    assert sample.failures.lows == (-1.0, 0.0)  # -1 - 0 and -1 - (-1)
    assert sample.failures.bound == 2.0


def _grid(failing_from: dict[int, float], rates: tuple[float, ...]) -> pd.DataFrame:
    rows = [(seed, rate, rate >= start) for seed, start in failing_from.items() for rate in rates]
    seeds, columns, failed = zip(*rows, strict=True)
    return _runs(seed=seeds, learning_rate=columns, failed=failed)


RATES = (0.001, 0.01, 0.1, 1.0)


def test_the_largest_rate_s_ratio_is_in_decades_and_its_grid_s_end_a_bound() -> None:
    # Batch: 0.1 and the grid's end; plain: 0.01, 0.001; then all rates fail.
    ours = _grid({1: 1.0, 2: 9.0, 3: 1.0}, RATES)
    theirs = _grid({1: 0.1, 2: 0.01, 3: 0.0}, RATES)
    sample = largest_rate(ours, theirs, block=SEED, rate="learning_rate")
    # The first: from 0.1 up to 1 over from 0.01 up to 0.1; the third: over less than 0.001.
    assert sample.lows == pytest.approx((0.0, 2.0, 2.0))
    assert sample.highs[0] == pytest.approx(2.0)
    assert sample.highs[1:] == (None, None)
    assert sample.notes == ("1 of 3: treatment still trains at the grid's end, 1",)


def test_both_at_the_grid_s_end_say_nothing_about_the_ratio() -> None:
    sample = largest_rate(
        _grid({1: 9}, RATES), _grid({1: 9}, RATES), block=SEED, rate="learning_rate"
    )
    assert (sample.lows, sample.highs) == ((None,), (None,))


def test_a_seed_with_a_hole_in_its_grid_is_missing_and_other_grids_are_refused() -> None:
    whole = _grid({1: 1.0, 2: 1.0}, RATES)
    sample = largest_rate(whole.iloc[:-1], whole, block=SEED, rate="learning_rate")
    assert sample.seeds == (1,)
    with pytest.raises(ValueError, match="different grids"):
        largest_rate(whole, _grid({1: 1.0}, RATES[:2]), block=SEED, rate="learning_rate")


def test_shadow_averages_of_one_run_are_compared_after_a_step() -> None:
    runs = _runs(
        seed=[1, 2, 3],
        steps=[(20, 50, 200)] * 3,
        slow=[(0.2, 0.3, 0.50), (0.2, 0.3, 0.60), (0.2, None)],
        fast=[(0.1, 0.3, 0.90), (0.1, 0.3, 0.85), (0.1, None)],
    )
    late = shadow_gap(runs, block=SEED, slow="slow", fast="fast", step=200)
    # gap(slow) - gap(fast) = (batch - slow) - (batch - fast) = fast - slow
    assert late.lows == pytest.approx((40.0, 25.0))
    assert (late.present, late.notes) == (3, ("1 of 3 runs have no finite value after 200 steps",))
    early = shadow_gap(runs, block=SEED, slow="slow", fast="fast", step=20)
    assert early.lows == pytest.approx((-10.0,) * 3)  # the sign flips with the horizon
    never = shadow_gap(runs, block=SEED, slow="slow", fast="fast", step=100)
    assert (never.lows, never.present) == ((), 3)  # nobody looked there


@pytest.mark.parametrize(
    ("accuracies", "reached"),
    [
        ((0.5, 0.9, 0.9), 100),  # the first of two hits
        ((0.9, 0.5, 0.9, 0.91), 150),  # one hit may be luck
        ((0.9, 0.5, 0.9), None),
        ((0.5, None, 0.9, 0.9), 150),
        ((0.5, 0.5, 0.9), None),  # the last one has no second
        ((), None),
    ],
)
def test_a_target_is_hit_twice_in_a_row(
    accuracies: tuple[float | None, ...], reached: int | None
) -> None:
    assert steps_to_target((50, 100, 150, 200), accuracies, target=0.9) == reached


def test_a_target_out_of_reach_bounds_the_ratio_of_times() -> None:
    steps = [(50, 100, 150, 200)] * 4
    hit, late, never = (0.9, 0.9, 0.9, 0.9), (0.1, 0.9, 0.9, 0.9), (0.1,) * 4
    ours = _runs(seed=[1, 2, 3, 4], steps=steps, curve=[hit, hit, never, never])
    theirs = _runs(seed=[1, 2, 3, 4], steps=steps, curve=[late, never, hit, never])
    sample = time_to_target(ours, theirs, block=SEED, curve="curve", target=0.9)
    # A hit at the first evaluation came after 1 to 50 steps, one at the second after 50 to 100.
    quarter = math.log(50 / 200)
    assert sample.lows == (pytest.approx(math.log(1 / 100)), None, pytest.approx(-quarter), None)
    assert sample.highs == (pytest.approx(0), pytest.approx(quarter), None, None)
    assert sample.notes == (
        "2 of 4: treatment does not reach 0.9 within its steps",
        "2 of 4: control does not reach 0.9 within its steps",
    )


def test_counts_differ_exactly_and_one_arm_s_figure_stands_alone() -> None:
    ours, theirs = (_runs(seed=[1, 2], parameters=counts) for counts in ([90, 90], [100, 100]))
    assert difference(ours, theirs, block=SEED, metric="parameters", times=1).lows == (-10, -10)
    one = value(ours.assign(failed=[True, False]), block=SEED, metric="parameters", times=2)
    assert (one.seeds, one.lows, one.present) == ((2,), (180.0,), 2)
    assert one.failures is not None
    assert one.failures.lows == (1.0, 0.0)


def test_shares_of_failures_come_with_mcnemar_and_a_bound() -> None:
    ours = _runs(seed=range(8), failed=[True] + [False] * 7)
    theirs = _runs(seed=range(8), failed=[True] * 6 + [False] * 2)
    sample = failing_share(ours, theirs, block=SEED)
    assert sum(low for low in sample.lows if low is not None) == -5
    assert sample.mcnemar == pytest.approx(2 * 0.5**5)
    assert sample.bound == 1.0


def test_a_spread_around_a_trend_ignores_the_trend() -> None:
    straight = [0.5 + 0.01 * epoch for epoch in range(20)]
    floor = math.sqrt(1 / 12) / 1000  # the rounding to whole examples
    assert epoch_spread(straight, examples=1000) == pytest.approx(floor)
    zigzag = [share + 0.02 * (-1) ** epoch for epoch, share in enumerate(straight)]
    # Second differences of +-d are +-4d: mean square 16 d**2, over six.
    expected = math.sqrt(16 * 0.02**2 / 6 + floor**2)
    assert epoch_spread(zigzag, examples=1000) == pytest.approx(expected)


def test_a_spread_around_a_trend_is_that_of_the_noise() -> None:
    generator = np.random.default_rng(5)
    noise = 0.9 + 0.001 * np.arange(4000) / 4000 + generator.normal(0, 0.01, 4000)
    assert epoch_spread(noise.tolist(), examples=10**6) == pytest.approx(0.01, rel=0.05)


def test_spreads_are_compared_as_logs_after_the_climb() -> None:
    calm, wild = (0.1, 0.5, 0.7, 0.71, 0.72), (0.1, 0.5, 0.7, 0.75, 0.72)
    ours = _runs(seed=[1], curve=[calm], examples=100)
    theirs = _runs(seed=[1], curve=[wild], examples=100)
    sample = epoch_spread_ratio(
        ours, theirs, block=SEED, curve="curve", skip=2, examples="examples"
    )
    floor = 1 / (12 * 100**2)
    expected = 0.5 * math.log(floor / (0.08**2 / 6 + floor))  # 0.72 - 2 * 0.75 + 0.7 = -0.08
    assert sample.lows == (pytest.approx(expected),)
    short = epoch_spread_ratio(ours, theirs, block=SEED, curve="curve", skip=3, examples="examples")
    assert (short.lows, short.present) == ((), 1)
    assert short.notes == ("1 of 1 blocks have a curve too short for a spread",)
    with pytest.raises(ValueError, match="three finite values"):
        epoch_spread(calm[3:], examples=100)


def test_spreads_over_seeds_are_jackknifed() -> None:
    generator = np.random.default_rng(11)
    ours, theirs = generator.normal(0.9, 0.02, 12), generator.normal(0.9, 0.01, 12)
    sample = seed_spread_ratio(
        _runs(seed=range(12), test_score=ours),
        _runs(seed=range(12), test_score=theirs),
        block=SEED,
        metric="test_score",
    )

    def ratio(a: np.ndarray, b: np.ndarray) -> float:
        return math.log(np.std(a, ddof=1) / np.std(b, ddof=1))

    # The textbook's jackknife: n times all, less n - 1 times the mean of those leaving one out.
    without = [ratio(np.delete(ours, i), np.delete(theirs, i)) for i in range(12)]
    found = estimate(sample, level=0.95)
    assert found is not None
    assert found.value == pytest.approx(12 * ratio(ours, theirs) - 11 * np.mean(without))
    assert found.spread == pytest.approx(11 * np.std(without, ddof=1))


def test_no_spread_over_seeds_has_no_logarithm_and_two_seeds_no_jackknife() -> None:
    flat, wavy = _accuracies(0.9, 0.9, 0.9), _accuracies(0.9, 0.8, 0.7)
    none = seed_spread_ratio(flat, wavy, block=SEED, metric="test_score")
    assert (none.seeds, none.present) == ((), 3)
    assert "no spread over seeds" in none.notes[0]
    two = seed_spread_ratio(wavy.iloc[:2], flat.iloc[:2], block=SEED, metric="test_score")
    assert (two.seeds, two.present) == ((), 2)


def test_the_slope_over_depth_is_scipy_s_per_seed() -> None:
    depths = [2, 5, 10, 20]
    ours = _accuracies(0.9, 0.9, 0.85, 0.8, seed=[1] * 4, depth=depths)
    theirs = _accuracies(0.9, 0.8, 0.6, 0.5, seed=[1] * 4, depth=depths)
    sample = slope_per_doubling(
        ours, theirs, block=("seed", "depth"), metric="test_error", axis="depth"
    )
    ratios = [
        _log_error(a) - _log_error(b)
        for a, b in zip(ours["test_score"], theirs["test_score"], strict=True)
    ]
    assert sample.lows == (pytest.approx(stats.linregress(np.log2(depths), ratios).slope),)


def test_depths_that_fail_give_a_slope_of_failures_instead() -> None:
    cells = {"seed": [1, 1, 1], "depth": [2, 4, 8]}
    ours = _accuracies(0.9, 0.9, 0.9, **cells)
    theirs = _accuracies(0.8, 0.1, 0.1, failed=[False, True, True], **cells)
    sample = slope_per_doubling(
        ours, theirs, block=("seed", "depth"), metric="test_error", axis="depth"
    )
    assert sample.seeds == ()
    assert sample.notes == ("1 seeds have fewer than two depths at which both trained",)
    assert sample.failures is not None
    assert sample.failures.lows == (pytest.approx(stats.linregress([1, 2, 3], [0, -1, -1]).slope),)


def test_kinds_along_an_axis_need_it_in_their_blocks() -> None:
    runs = _accuracies(0.9, depth=2, model="mlp")
    with pytest.raises(ValueError, match="add depth"):
        slope_per_doubling(runs, runs, block=SEED, metric="test_error", axis="depth")
    with pytest.raises(ValueError, match="add model"):
        difference_of_differences(
            runs, runs, block=SEED, metric="test_error", axis="model", at="a", against="b"
        )
