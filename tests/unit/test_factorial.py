"""Fixed settings: every combination with every seed, the same for all arms."""

import pytest
from fixed_runs import fixed_study, mapped_study
from simulated import ask

from pipeline.execution.queues import Search
from pipeline.search.factorial import Factorial

RATES, SIZES = [0.1, 0.01], [2, 4, 8]
AXES = {"optimizer.learning_rate": RATES, "batch_size": SIZES}


def test_every_combination_is_asked_with_every_seed_and_the_last_axis_changes_fastest():
    study = fixed_study(axes=AXES, seeds=(7, 9))
    queue = Search(study, ask, lambda name: name)
    asked = [
        (task.trial.optimizer.arguments["learning_rate"], task.trial.batch_size, task.trial.seed)
        for task in queue.ready()
    ]
    assert asked == [(rate, size, seed) for rate in RATES for size in SIZES for seed in (7, 9)]
    assert len(set(asked)) == study.design.trials == 12


def test_without_axes_there_is_one_run_per_seed():
    study = fixed_study(seeds=(3, 1, 2))
    assert Factorial.size(study) == 3
    queue = Search(study, ask, lambda name: name)
    assert [task.trial.seed for task in queue.ready()] == [3, 1, 2]


def test_a_part_of_the_combinations_is_refused():
    study = fixed_study(axes=AXES)
    part = study.model_copy(update={"design": study.design.model_copy(update={"trials": 5})})
    with pytest.raises(ValueError, match="trials must be null or 24"):
        Factorial(part)


def test_each_point_of_a_map_has_a_seed_of_its_own_and_is_the_same_for_both_arms():
    tasks = {
        arm: Search(mapped_study(arm, (5, 6, 7)), ask, str).ready() for arm in ("none", "batch")
    }
    places = {
        arm: [
            (each.trial.batch_size, each.trial.optimizer.arguments["learning_rate"])
            for each in asked
        ]
        for arm, asked in tasks.items()
    }
    assert places["none"] == places["batch"]
    assert [task.trial.seed for task in tasks["batch"]] == [5, 6, 7, 8, 9, 10, 11, 12]
