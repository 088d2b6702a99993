"""Grid, Sobol, random search and pruning: what each promises."""

import math
from collections import Counter

import numpy as np
import pytest
from questions import result, study
from simulated import DESIGNS, designed

from pipeline.components import build
from pipeline.errors import Refusal
from pipeline.records import Result
from pipeline.search.pruning import thresholds

SHARED = ("batch_size", "optimizer.learning_rate")


def values(asked) -> list[dict]:
    proposer = build(asked.design.proposer, asked)
    found = []
    for index in range(asked.design.trials):
        known = [result(0.5)] * max(0, index - asked.design.lag + 1)
        found.append(proposer.propose(known).values)
    return found


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_starts_over_with_the_same_proposals(name):
    asked = designed(name, lag=3, trials=8)
    assert values(asked) == values(asked)


@pytest.mark.parametrize("name", ["sobol", "random", "tpe"])
def test_another_seed_gives_other_proposals(name):
    asked = designed(name, lag=3, trials=8)
    design = asked.design.model_copy(update={"seed": 1})
    assert values(asked) != values(asked.model_copy(update={"design": design}))


@pytest.mark.parametrize("name", DESIGNS)
def test_every_proposal_is_within_its_ranges(name):
    asked = designed(name, lag=3, trials=16)
    for proposal in values(asked):
        assert proposal.keys() == asked.space.keys() | asked.axes.keys()
        assert all(proposal[axis] in listed for axis, listed in asked.axes.items())
        for dimension in asked.space:
            value, space = proposal[dimension], asked.space[dimension]
            assert space.low * (1 - 1e-5) <= value <= space.high * (1 + 1e-5)


def test_a_grid_holds_every_combination_once():
    found = values(designed("grid", lag=3, trials=10))
    pairs = Counter((each["batch_size"], each["optimizer.learning_rate"]) for each in found)
    assert set(pairs.values()) == {1}
    assert {size for size, _ in pairs} == {16, 32, 64, 128, 256}
    assert {rate for _, rate in pairs} == {1e-4, 0.1}


def test_a_part_of_a_grid_is_refused_with_its_size():
    asked = designed("grid", lag=3, trials=10)
    part = asked.model_copy(update={"design": asked.design.model_copy(update={"trials": 7})})
    with pytest.raises(Refusal, match="trials must be null or 10"):
        build(part.design.proposer, part)


def test_arms_share_sobol_points_in_what_they_have_in_common():
    batch = designed("sobol", lag=3, trials=16)
    space = {name: batch.space[name] for name in SHARED}
    none = batch.model_copy(update={"arm": "none", "space": space})
    for with_norm, plain in zip(values(batch), values(none), strict=True):
        assert {name: with_norm[name] for name in SHARED} == plain


def test_sobol_points_of_another_model_are_other_points():
    one = designed("sobol", lag=3, trials=4)
    assert values(one) != values(one.model_copy(update={"model_name": "cnn"}))


def test_sixteen_sobol_points_fill_every_sixteenth_of_a_scale():
    found = values(designed("sobol", lag=3, trials=16))
    rates = [math.log10(each["optimizer.learning_rate"]) for each in found]
    places = sorted(int((rate + 4) / 3 * 16) for rate in rates)
    assert places == list(range(16))


def test_a_sequence_takes_only_so_many_dimensions():
    asked = designed("sobol", lag=3, trials=4)
    rate = asked.space["optimizer.learning_rate"]
    wide = asked.model_copy(update={"space": {f"model.d{i}": rate for i in range(33)}})
    with pytest.raises(Refusal, match="takes 32 dimensions"):
        build(wide.design.proposer, wide)


def run_of(*accuracies: float) -> Result:
    """A result whose validation accuracy took this course."""
    made = result(accuracies[-1]).plain()
    made["curves"] = {
        "training_loss": [0.5] * len(accuracies),
        "validation_score": list(accuracies),
    }
    return Result.parse(made | {"epochs_asked": 4})


def test_a_threshold_is_the_quantile_of_what_was_reached_at_that_epoch():
    runs = [run_of(0.1, 0.3, 0.5, 0.6), run_of(0.2, 0.4, 0.6, 0.7), run_of(0.3, 0.5, 0.7, 0.8)]
    found = thresholds(runs, epochs=4, quantile=0.5, after=1, minimum=3)
    assert found == (
        None,
        0.4,
        0.6,
        None,
    )  # the medians; the first epoch is given, the last is done


def test_a_run_that_was_stopped_counts_only_where_it_got():
    runs = [run_of(0.1, 0.2), run_of(0.2, 0.4, 0.6, 0.7), run_of(0.3, 0.5, 0.7, 0.8)]
    found = thresholds(runs, epochs=4, quantile=0.5, after=1, minimum=2)
    assert found == (None, 0.4, 0.65, None)
    assert thresholds(runs, epochs=4, quantile=0.5, after=1, minimum=4) == ()


def test_pruning_proposes_thresholds_only_from_results_it_may_know():
    asked = designed("pruned", lag=3, trials=12)
    proposer = build(asked.design.proposer, asked)
    rng = np.random.default_rng(0)
    known: list[Result] = []
    for index in range(12):
        proposal = proposer.propose(known[: max(0, index - 2)])
        first = proposal.thresholds[:1]
        reached = [run.curves["validation_score"][1] for run in known[: max(0, index - 2)]]
        assert first == ()  # two epochs: the first is given, the last has no threshold
        assert len(reached) == max(0, index - 2)
        known.append(result(float(rng.uniform())))


def test_a_longer_pruned_study_stops_the_lower_half():
    asked = designed("pruned", lag=1, trials=12).model_copy(update={"epochs": 4})
    proposer = build(asked.design.proposer, asked)
    known = [run_of(0.1 * i, 0.1 * i, 0.1 * i, 0.1 * i) for i in range(5)]
    proposals = [proposer.propose(known[:index]) for index in range(6)]
    assert [each.thresholds for each in proposals[:4]] == [()] * 4
    assert proposals[4].thresholds == (None, 0.15, 0.15, None)
    assert proposals[5].thresholds == (None, 0.2, 0.2, None)


def test_a_pruned_trial_wins_only_over_other_pruned_ones():
    from pipeline.search.objective import winner

    stopped, whole = run_of(0.9, 0.9), run_of(0.1, 0.2, 0.3, 0.4)
    assert stopped.status == "pruned"
    assert winner([stopped, whole]) == 1
    assert winner([stopped, run_of(0.95, 0.95)]) == 1


@pytest.mark.parametrize("wrong", [{"prune_quantile": 1.5}, {"prune_after": 0}])
def test_a_pruning_argument_out_of_range_is_refused(wrong):
    asked = study()
    proposer = asked.design.proposer
    bad = proposer.model_copy(update={"arguments": {**proposer.arguments, **wrong}})
    with pytest.raises(Refusal, match=next(iter(wrong))):
        build(bad, asked)
