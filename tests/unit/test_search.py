"""Which trial next: proposals are a function of the study, the index and results 0 .. n - lag."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import result, study

from pipeline.components import build
from pipeline.records import Result
from pipeline.search.objective import winner
from pipeline.search.space import bounds, is_whole, value
from pipeline.studies import Dimension


def score(values: dict[str, float]) -> Result:
    """A smooth objective with its best point at a rate of 0.01: accuracy falls off in decades."""
    rate = values["optimizer.learning_rate"]
    return result(1 / (1 + math.log10(rate / 0.01) ** 2))


def proposals(lag: int, *, trials: int = 12, stop: int | None = None) -> list[dict[str, float]]:
    """Propose and score `trials` in index order, starting over after `stop` as after a crash."""
    asked = study(lag=lag, trials=trials)
    proposer = build(asked.design.proposer, asked)
    values: list[dict[str, float]] = []
    results: list[Result] = []
    for index in range(trials):
        if index == stop:
            proposer = build(asked.design.proposer, asked)
            for earlier in range(index):
                proposer.propose(results[: max(0, earlier - lag + 1)])
        values.append(proposer.propose(results[: max(0, index - lag + 1)]).values)
        results.append(score(values[-1]))
    return values


@pytest.mark.parametrize("lag", [1, 3])
def test_a_search_that_starts_over_proposes_the_same_trials(lag):
    assert proposals(lag, stop=7) == proposals(lag)


def test_later_results_are_not_looked_at():
    asked = study(lag=4)
    one, other = (build(asked.design.proposer, asked) for _ in range(2))
    known: list[Result] = []
    for index in range(8):
        more = [*known, result(0.99), result(0.01)]
        first = one.propose(known[: max(0, index - 3)])
        second = other.propose(more if index < 4 else known)
        assert first == second
        known.append(score(first.values))


def test_more_trials_keep_the_ones_before():
    assert proposals(1, trials=14)[:12] == proposals(1, trials=12)


def test_the_estimator_finds_better_rates_than_its_random_start():
    rates = [values["optimizer.learning_rate"] for values in proposals(1, trials=24)]
    distance = [abs(math.log10(rate / 0.01)) for rate in rates]
    assert sum(distance[-6:]) / 6 < sum(distance[:6]) / 6


def test_two_arms_do_not_share_their_draws():
    one, other = study(arm="batch"), study(arm="layer")
    first, second = (build(s.design.proposer, s).propose([]) for s in (one, other))
    assert first != second


DIMENSIONS = {
    "rate": {"low": 1e-4, "high": 0.1, "scale": "log", "points": None},
    "momentum": {"low": 0.5, "high": 0.999, "scale": "log_complement", "points": None},
    "epsilon": {"low": 1e-5, "high": 0.1, "scale": "log", "points": 5},
    "batch": {"low": 16, "high": 256, "scale": "powers_of_two", "points": None},
}


@pytest.mark.parametrize("name", DIMENSIONS)
@given(share=st.floats(0, 1))
@settings(max_examples=50)
def test_every_drawn_value_is_within_its_range(name, share):
    dimension = Dimension.parse(DIMENSIONS[name])
    low, high = bounds(dimension)
    drawn = low + share * (high - low)
    found = value(dimension, round(drawn) if is_whole(dimension) else drawn)
    assert dimension.low * (1 - 1e-5) <= found <= dimension.high * (1 + 1e-5)


def test_the_ends_of_a_scale_are_the_ends_of_the_range():
    for plain in DIMENSIONS.values():
        dimension = Dimension.parse(plain)
        ends = sorted(value(dimension, end) for end in bounds(dimension))
        assert ends == pytest.approx([dimension.low, dimension.high], rel=1e-5)


def test_five_points_on_a_log_grid_are_a_decade_apart():
    grid = Dimension.parse(DIMENSIONS["epsilon"])
    assert [value(grid, place) for place in range(5)] == [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]


def test_the_complement_of_a_momentum_is_even_in_logarithms():
    momentum = Dimension.parse(DIMENSIONS["momentum"])
    low, high = bounds(momentum)
    middle = value(momentum, (low + high) / 2)
    assert 1 - middle == pytest.approx(math.sqrt(0.001 * 0.5), rel=1e-4)


def test_placed_values_reach_their_components_and_leave_the_study_alone():
    before = study()
    after = before.placed({"batch_size": 64, "norm.momentum": 0.8, "optimizer.learning_rate": 0.5})
    assert after.batch_size == 64
    assert after.norm.layer.arguments == {"momentum": 0.8, "epsilon": 0.001}
    assert after.optimizer.arguments == {"learning_rate": 0.5}
    assert before == study()


def test_the_winner_is_the_most_accurate_then_the_least_loss_then_the_first():
    assert winner([result(0.8), result(0.9), result(0.7)]) == 1
    assert winner([result(0.9, loss=0.4), result(0.9, loss=0.3), result(0.9, loss=0.3)]) == 1
    with pytest.raises(ValueError, match="empty"):
        winner([])
