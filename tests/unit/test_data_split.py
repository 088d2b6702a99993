"""Splits are exact, disjoint, fair to every class, and decided by the generator alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.split import apportion, shuffled, stratified
from pipeline.errors import Refusal

TWO = ("cat", "dog")


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    sizes = draw(st.lists(st.integers(0, 30), min_size=1, max_size=12))
    total = sum(sizes)
    ends = sorted(draw(st.lists(st.integers(0, total), min_size=1, max_size=4)))
    if draw(st.booleans()):
        ends[-1] = total  # every example is used: class sizes bind
    return np.array(sizes), np.diff([0, *ends])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(tables())
def test_shares_are_exact_and_within_one_of_fair(table: tuple[np.ndarray, np.ndarray]) -> None:
    sizes, counts = table
    shares = apportion(sizes, counts)
    fair = counts[:, None] * sizes[None, :] / max(sizes.sum(), 1)
    assert (shares.sum(axis=1) == counts).all()
    assert (shares.sum(axis=0) <= sizes).all()
    assert (np.abs(shares - fair) < 1).all()


def test_larger_remainders_are_rounded_up_first() -> None:
    # by hand: 10 of 100 with classes 56, 27, 17: 5.6, 2.7, 1.7 -> 5 + 2 + 1, two more to .7 and .7
    assert apportion(np.array([56, 27, 17]), np.array([10])).tolist() == [[5, 3, 2]]


def test_an_earlier_choice_is_moved_where_a_class_runs_out() -> None:
    # by hand: every fair share is 2/3. Two splits take a class-by-class greedy's first two classes
    # whole, and the third class cannot give its split two: one earlier choice must move.
    shares = apportion(np.array([2, 2, 2]), np.array([2, 2, 2]))
    assert shares.max() == 1
    assert shares.sum(axis=0).tolist() == [2, 2, 2]
    assert shares.sum(axis=1).tolist() == [2, 2, 2]


def test_splits_are_disjoint_and_have_the_asked_counts() -> None:
    labels = np.repeat([0, 1], [70, 30])
    parts = stratified(labels, {"train": 50, "validation": 20}, TWO, generator(), "d")
    together = np.concatenate([parts["train"], parts["validation"]])
    assert len(set(together.tolist())) == 70
    # by hand: 70 % and 30 % of 50 and of 20
    assert np.bincount(labels[parts["train"]]).tolist() == [35, 15]
    assert np.bincount(labels[parts["validation"]]).tolist() == [14, 6]


def test_a_prefix_of_a_split_is_a_fair_sample_though_the_source_is_sorted() -> None:
    labels = np.repeat([0, 1], [5000, 5000])
    train = stratified(labels, {"train": 8000}, TWO, generator(), "d")["train"]
    # hypergeometric: 400 of 8,000 have standard deviation 9.7; five of them are 49
    assert abs(int(labels[train[:400]].sum()) - 200) < 49


def test_the_generator_decides_the_split() -> None:
    labels = np.repeat([0, 1], [50, 50])
    counts = {"train": 60, "validation": 40}
    first, again, other = (
        stratified(labels, counts, TWO, generator(seed), "d")["train"].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert set(first) != set(other)


def test_more_examples_than_there_are_is_refused_with_the_counts() -> None:
    labels = np.repeat([0, 1], [5, 5])
    with pytest.raises(Refusal) as refusal:
        stratified(labels, {"train": 8, "validation": 3}, TWO, generator(), "dataset pets")
    assert str(refusal.value) == (
        "dataset pets: train 8, validation 3 make 11, but there are 10 examples; ask for fewer"
    )


@pytest.mark.parametrize(("dogs", "missing"), [(1, "validation"), (0, "train")])
def test_a_class_too_small_to_split_is_refused_by_name(dogs: int, missing: str) -> None:
    labels = np.repeat([0, 1], [99, dogs])
    with pytest.raises(Refusal) as refusal:
        stratified(labels, {"train": 80, "validation": 19}, TWO, generator(), "dataset pets")
    assert str(refusal.value).startswith(
        f"dataset pets: class 'dog' has {dogs} of {99 + dogs} examples, "
        f"too few to appear in {missing} when train 80, validation 19 are asked for"
    )


def test_numbers_are_split_at_random_into_exact_counts() -> None:
    counts = {"train": 6, "validation": 3, "test": 2}
    first, again, other = (shuffled(12, counts, generator(seed), "d") for seed in (1, 1, 2))
    assert {split: len(part) for split, part in first.items()} == counts
    assert len(set(np.concatenate(list(first.values())).tolist())) == 11
    assert all((first[split] == again[split]).all() for split in counts)
    assert first["train"].tolist() != other["train"].tolist()


def test_more_numbers_than_there_are_is_refused_in_the_same_words() -> None:
    with pytest.raises(Refusal) as refusal:
        shuffled(10, {"train": 8, "validation": 3}, generator(), "dataset pets")
    assert str(refusal.value) == (
        "dataset pets: train 8, validation 3 make 11, but there are 10 examples; ask for fewer"
    )
