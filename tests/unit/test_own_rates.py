"""Each arm at its own rate: chosen on one half of the seeds, judged on the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pandas as pd
import pytest

from pipeline.statistics.own_rates import chosen, own_rates

RATE = "optimizer.learning_rate"
RATES = (0.001, 0.01, 0.1)
SEEDS = (1, 2, 3, 4)
Errors = Callable[[str, int, float, int], float | None]


def runs(error: Errors, *, depths: tuple[int, ...] = (2,)) -> pd.DataFrame:
    """A factorial over arms, depths, rates and seeds; no error is a failed run."""
    rows = []
    for arm, depth, rate, seed in itertools.product(("none", "batch"), depths, RATES, SEEDS):
        found = error(arm, depth, rate, seed)
        place = {"study": f"e/d/m/o/{arm}", "arm": arm, "model.depth": depth, "batch_size": 32}
        judged = {"validation_error": 0.9 if found is None else found, "failed": found is None}
        rows.append({**place, RATE: rate, "seed": seed, **judged})
    return pd.DataFrame(rows)


def rate_of(found: pd.DataFrame, seed: int, *, arm: str = "batch", depth: int = 2) -> float:
    own = found[(found["seed"] == seed) & (found["arm"] == arm) & (found["model.depth"] == depth)]
    assert len(own) == 1
    return float(own[RATE].iloc[0])


def test_each_arm_and_depth_stands_at_the_rate_that_is_best_for_it() -> None:
    best = {("none", 2): 0.01, ("none", 20): 0.001, ("batch", 2): 0.1, ("batch", 20): 0.01}
    found = own_rates(
        runs(lambda arm, depth, rate, _: 0.1 if rate == best[arm, depth] else 0.2, depths=(2, 20)),
        RATE,
    )
    assert len(found) == 2 * 2 * len(SEEDS)
    for (arm, depth), rate in best.items():
        assert {rate_of(found, seed, arm=arm, depth=depth) for seed in SEEDS} == {rate}


def test_a_seed_has_no_say_in_the_rate_that_it_is_judged_at() -> None:
    table = runs(lambda _, __, rate, seed: 0.1 if (rate == 0.1) == (seed in (1, 3)) else 0.3)
    before = own_rates(table, RATE)
    assert {rate_of(before, seed) for seed in (2, 4)} == {0.1}  # chosen by 1 and 3
    assert {rate_of(before, seed) for seed in (1, 3)} == {0.001}  # by 2 and 4; a tie, the smaller
    table.loc[table["seed"] == 1, "validation_error"] = 0.05
    after = own_rates(table, RATE)
    assert rate_of(after, 1) == rate_of(before, 1)
    assert rate_of(after, 3) == rate_of(before, 3)


def test_a_rate_at_which_runs_fail_comes_after_one_at_which_none_does() -> None:
    found = own_rates(
        runs(lambda _, __, rate, seed: None if rate == 0.1 and seed < 3 else 0.2 - rate), RATE
    )
    assert {rate_of(found, seed) for seed in SEEDS} == {0.01}


def test_where_every_run_fails_the_smallest_rate_stands_and_is_failed() -> None:
    found = own_rates(runs(lambda *_: None), RATE)
    assert set(found[RATE]) == {0.001}
    assert found["failed"].all()


def test_what_was_chosen_is_told_by_cell_and_a_choice_at_the_grids_end_is_said() -> None:
    table = own_rates(
        runs(
            lambda arm, depth, rate, _: abs(rate - (0.1 if arm == "batch" else 0.01)) / depth,
            depths=(2, 20),
        ),
        RATE,
    )
    sides = [table[table["arm"] == arm] for arm in ("batch", "none")]
    texts = [one.text for one in chosen(sides, RATE, RATES)]
    assert texts == [
        "batch at model.depth 2: 0.1 (the grid's end)",
        "batch at model.depth 20: 0.1 (the grid's end)",
        "none at model.depth 2: 0.01",
        "none at model.depth 20: 0.01",
    ]


def test_without_the_axis_it_says_so() -> None:
    with pytest.raises(ValueError, match=r"the runs' table has no column norm\.momentum"):
        own_rates(runs(lambda *_: 0.1), "norm.momentum")
