"""Worse evidence never helps: no verdict of planted tables moves towards the side that worsens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_tables import offence, run, word

TABLES = 10_000


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_verdict_never_moves_towards_the_side_that_got_worse(seed: int) -> None:
    assert offence(np.random.default_rng(seed)) == ""


@pytest.mark.slow
def test_ten_thousand_planted_tables_have_no_verdict_that_moves_the_wrong_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [offence(np.random.default_rng([14, n])) for n in range(TABLES)]
    offences = [each for each in found if each]
    with capsys.disabled():
        print(f"\nmonotone: {len(offences)} of {TABLES:,} verdicts moved the wrong way")
    assert offences == []


def _clear(*, collapsed: int = 0, failed: int = 0) -> pd.DataFrame:
    """Eight seeds on which the treatment scores 0.73 and the control 0.9, give or take 0.02.

    The treatment collapses to 0.4 on so many, which is more than half of its best; and on so many
    both fail.
    """
    rows = []
    for seed in range(8):
        away = 0.01 * (seed % 5 - 2)
        treatment = 0.4 if seed < collapsed else 0.73 + away
        diverged = seed >= 8 - failed
        rows.append(run(seed, 32, "treatment", treatment, diverged=diverged))
        rows.append(run(seed, 32, "control", 0.9 - away, diverged=diverged))
    return pd.DataFrame(rows)


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_an_outlier_on_a_side_takes_nothing_from_what_speaks_for_it(level: float) -> None:
    for collapsed in range(9):
        assert word(_clear(collapsed=collapsed), "direction", level) == "supported"


def test_one_seed_that_failed_on_both_sides_is_a_tie_and_asks_for_no_hundred_seeds() -> None:
    assert word(_clear(failed=1), "direction", 0.95) == "supported"
    assert word(_clear(failed=8), "direction", 0.95) == "inconclusive"  # nothing but ties
