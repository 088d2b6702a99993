"""What a row becomes depends on itself and on the training rows, on nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.features import Features, standardized
from pipeline.data.table_file import Table

TRAIN = np.arange(6)
ANY = st.floats(-1e6, 1e6) | st.just(float("nan"))
WORDS = st.sampled_from(["a", "b", "c", None])


def features(numbers: list[float], words: list[str | None], missing: str) -> Features:
    return Features(
        table=Table(Path("made up"), pa.table({}), first_row=1),
        numeric={"x": np.array(numbers)},
        categorical={"w": np.array(words, np.object_)},
        missing=missing,
        standardize=True,
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(ANY, min_size=5, max_size=5),
    st.lists(WORDS, min_size=5, max_size=5),
    st.lists(ANY, min_size=8, max_size=8),
    st.lists(WORDS, min_size=8, max_size=8),
    st.sampled_from(["mean", "median", "most_frequent"]),
)
def test_rows_outside_the_training_split_teach_nothing(
    numbers: list[float],
    words: list[str | None],
    others: list[float],
    other_words: list[str | None],
    missing: str,
) -> None:
    numbers, words = [1.0, *numbers], ["a", *words]  # the first six rows are trained on
    ours = features(numbers + others[:4], words + other_words[:4], missing).encoded(TRAIN)
    theirs = features(numbers + others[4:], words + other_words[4:], missing).encoded(TRAIN)
    np.testing.assert_array_equal(ours[:6], theirs[:6])
    assert np.isfinite(ours).all()
    learned = {"a" if word is None else word for word in words}
    assert ours.shape[1] == 1 + len(learned - {None} | ({"a"} if None in words else set()))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=30), st.integers(1, 30))
def test_standardized_training_rows_have_mean_0_and_deviation_1(
    values: list[float], count: int
) -> None:
    train = np.arange(min(count, len(values)))
    numbers = np.array(values)
    found, mean, deviation = standardized(numbers, train)
    if numbers[train].min() == numbers[train].max():
        assert not found.any()
        assert deviation == 0
    else:
        # cancellation: a deviation that is small beside the mean loses as many digits
        lost = 1e-15 * max(1, abs(mean) / deviation)
        assert abs(found[train].mean()) < 1e-9 + 10 * lost
        assert abs(found[train].std() - 1) < 1e-9 + 10 * lost


def test_a_category_of_no_training_row_is_zero_in_all_columns() -> None:
    found = features([1, 2, 3, 4, 5, 6, 7], [*"ababab", "new"], "refuse").encoded(TRAIN)
    assert found[:, 1:].tolist() == [[1, 0], [0, 1]] * 3 + [[0, 0]]


def test_numbers_too_large_for_a_deviation_have_none() -> None:
    found, _, _ = standardized(np.array([1e308, -1e308, 1e308]), np.arange(3))
    assert np.isnan(found).all()
