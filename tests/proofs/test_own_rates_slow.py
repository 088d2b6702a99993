"""Arms at rates of their own, chosen on the other half of 8 seeds: coverage and false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator

from pipeline.statistics.intervals import estimate
from pipeline.statistics.own_rates import own_rates
from pipeline.statistics.pairs import pair
from pipeline.statistics.samples import sample_of

pytestmark = pytest.mark.slow

DRAWS = 2_000
SEEDS = 8
RATE = "optimizer.learning_rate"
RATES = (0.001, 0.00316, 0.01, 0.0316)
# log errors above the best rate's, by rate: from a choice that anybody would make to none at all
SHAPES = {"clear": (0.5, 0.0, 0.4, 1.0), "close": (0.2, 0.05, 0.0, 0.15), "flat": (0.0,) * 4}


def drawn(generator: Generator, shape: tuple[float, ...], effect: float) -> pd.DataFrame:
    """Two arms whose curves have one shape, the second's best one rate further on.

    Log errors spread by 0.15 over runs, by 0.1 over seeds, which both arms share.
    """
    table = pd.DataFrame(
        [
            {"study": arm, "arm": arm, RATE: rate, "seed": seed, "failed": False}
            for arm in ("none", "batch")
            for rate in RATES
            for seed in range(SEEDS)
        ]
    )
    levels = np.concatenate([np.repeat(shape, SEEDS), np.repeat(np.roll(shape, 1), SEEDS) + effect])
    shared = np.tile(generator.normal(0, 0.1, SEEDS), 2 * len(RATES))
    logs = np.log(0.1) + levels + shared + generator.normal(0, 0.15, len(table))
    return table.assign(validation_error=np.exp(logs))


@pytest.mark.parametrize("effect", [-0.3, 0.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_effect_at_each_arms_own_rate_is_covered_as_often_as_it_says(
    shape: str, effect: float, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng([len(shape), int(100 * abs(effect)), 7])
    covered, values = 0, []
    for _ in range(DRAWS):
        runs = own_rates(drawn(generator, SHAPES[shape], effect), RATE)
        both = pair(runs[runs["arm"] == "batch"], runs[runs["arm"] == "none"], block=["seed"])
        logs = np.log(both["validation_error"] / both["validation_error_control"])
        found = estimate(sample_of(logs, seeds=both["seed"]), level=0.95)
        assert found is not None
        assert found.value is not None
        values.append(found.value)
        covered += found.limits[0] <= effect <= found.limits[1]
    with capsys.disabled():
        print(
            f"\nown rates, {shape}, planted {effect:+.1f}: covered {100 * covered / DRAWS:.1f}%, "
            f"mean {np.mean(values):+.3f}"
        )
    # 93 to 97%; with no effect the two arms are the same, and 7% is the most that differ
    assert 0.93 <= covered / DRAWS <= 0.97
