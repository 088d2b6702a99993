"""Runs of fixed settings as tables: what the report says of rates, steps, momenta and epsilons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fixed_runs import (
    MANIFESTS,
    SEEDS,
    answer,
    answers,
    by_name,
    evidence_of,
    fixed_study,
    mapped_study,
)

from pipeline.claims.claim import Claim
from pipeline.findings.gap.figures import figures as gap
from pipeline.findings.map.figures import figures as where
from pipeline.findings.settings.figures import figures as fixed
from pipeline.findings.stability.figures import figures as rates
from pipeline.findings.time_to_target.figures import figures as times
from pipeline.statistics.runs import figures, planned_runs, runs_table, settings, steps_after
from pipeline.statistics.step_costs import ArmCost, StepCost
from pipeline.studies import Study

RATES = [0.01, 0.1, 1.0]
BY_RATE = {"optimizer.learning_rate": RATES}


def _table(*pairs: tuple[Study, Any]):
    studies = [made for made, _ in pairs]
    found = [each for made, planted in pairs for each in answers(made, planted)]
    return runs_table(found, by_name(*studies), MANIFESTS), studies


# The table


def test_a_run_s_row_has_its_place_what_varies_and_what_came_out() -> None:
    made = fixed_study(axes={**BY_RATE, "norm.epsilon": [0.001, 0.1]})
    runs, _ = _table((made, lambda values, _: {"validation_score": values["norm.epsilon"]}))
    assert len(runs) == len(RATES) * 2 * len(SEEDS)
    assert set(runs["optimizer.learning_rate"]) == set(RATES)
    assert (runs["norm.epsilon"] == runs["validation_score"]).all()
    row = runs.iloc[0]
    assert (row["optimizer"], row["norm.momentum"], row["validation_examples"]) == (
        "adam",
        0.9,
        1000,
    )
    assert row["validation_score_curve"] == (0.001, 0.001)
    assert row["steps"] == (3, 6)  # 100 examples in whole batches of 32, twice
    assert {*settings([made]), *figures([made])} <= set(runs)


@pytest.mark.parametrize(("steps", "after"), [(None, (3, 6)), (10, (10, 20)), ((5, 30), (5, 35))])
def test_steps_are_counted_over_epochs_of_any_length(steps, after) -> None:
    made = fixed_study(steps_per_epoch=steps)
    assert steps_after(answers(made, lambda *_: {})[0].trial) == after


def test_what_is_planned_has_a_row_for_each_run_whatever_came_back() -> None:
    made = fixed_study(axes=BY_RATE)
    planned = planned_runs([made])
    assert len(planned) == len(RATES) * len(SEEDS)
    assert set(planned["optimizer.learning_rate"]) == set(RATES)
    tuned = fixed_study(
        design=made.design.plain() | {"searches": True, "has_winner": True, "seeds": "first"},
        confirm_seeds=[8, 9],
    )
    assert list(planned_runs([tuned])["seed"]) == [8, 9]
    assert planned_runs([]).empty


# Rates


def _stands_up_to(limit: float):
    return lambda values, seed: {
        "validation_score": 0.9 if values["optimizer.learning_rate"] <= limit * seed else 0.1,
        "curves": {"validation_score": [0.9, 0.1]},
    }


def test_the_largest_rate_is_each_seed_s_own_and_the_grid_s_end_is_said() -> None:
    # Plain stands 0.1 from seed 1 to 4 (0.1 x seed < 1); batch stands the whole grid.
    runs, studies = _table(
        (fixed_study("none", axes=BY_RATE), _stands_up_to(0.1)),
        (fixed_study("batch", axes=BY_RATE), _stands_up_to(1.0)),
    )
    [found] = rates(evidence_of(runs, studies)).cells
    plain, batch = found.arms
    assert plain.largest == (0.1,) * 4
    assert (plain.median_largest, plain.at_the_end, plain.decades) == (0.1, 0, None)
    assert [rate.outcomes.failed for rate in plain.rates] == [0, 0, 4]
    assert plain.rates[2].score is None  # nobody stood it
    assert batch.at_the_end == 4
    assert batch.decades is not None
    assert (batch.decades.known, batch.decades.value) == (
        "at least",
        0.0,
    )  # 1 or more over less than 1
    assert "grid's end" in batch.notes[0]


def test_a_rate_that_nobody_ran_is_missing_and_never_zero() -> None:
    made = fixed_study("none", axes=BY_RATE)
    kept = [a for a in answers(made, _stands_up_to(1.0)) if a.trial.seed != 1]
    kept = [a for a in kept if a.trial.optimizer.arguments["learning_rate"] != 0.1]
    runs = runs_table(kept, by_name(made), MANIFESTS)
    [found] = rates(evidence_of(runs, [made])).cells
    assert [rate.outcomes.runs for rate in found.arms[0].rates] == [3, 0, 3]
    assert found.arms[0].rates[1].score is None
    assert rates(evidence_of(runs.iloc[:0], [made])).cells == ()


# Time to a target


def _reaches(step: int, at: int):
    curve = [0.5 if n < at else 0.95 for n in range(6)]
    return lambda *_: {"validation_score": 0.95, "curves": {"validation_score": curve}}


def _timed(arm: str) -> Study:
    return fixed_study(arm, epochs=6, steps_per_epoch=50)


TARGET = {
    "id": "T2",
    "name": "time",
    "source": "s",
    "statement": "s",
    "experiment": "fixed",
    "statistics": "moving",
    "selection": "fixed",
    "headline": False,
    "level": 0.95,
    "clusters": 4,
    "minimum": 4,
    "failure_margin": 0.05,
    "specifications": {},
    "control": None,
    "expected": "refuted",
    "beside": [],
    "parts": [
        {
            "name": "steps",
            "effect": {
                "target": "pipeline.claims.kinds.time_to_target.time_to_target",
                "arguments": {"curve": "validation_score_curve", "target": 0.9},
            },
            "treatment": {"arm": "batch"},
            "control": {"arm": "none"},
            "where": {},
            "block": ["seed"],
            "own": None,
            "asserts": "less",
            "rule": {"kind": "amount", "amount": 0.51, "margin": 0.1},
        }
    ],
}


def test_steps_become_seconds_by_the_step_s_cost_and_name_the_kernel() -> None:
    runs, studies = _table((_timed("none"), _reaches(50, 3)), (_timed("batch"), _reaches(50, 1)))
    arms = {
        "none": ArmCost(
            steps=10,
            wall_seconds=(0.001, 0.001, 0.001),
            cpu_seconds=(0.0,) * 3,
            kernels={"norm": "none"},
        ),
        "batch": ArmCost(
            steps=10,
            wall_seconds=(0.002, 0.002, 0.002),
            cpu_seconds=(0.0,) * 3,
            kernels={"norm": "fused"},
        ),
    }
    cost = StepCost(
        experiment="fixed",
        dataset="digits",
        model="mlp",
        optimizer="adam",
        batch_size=32,
        arms=arms,
    )
    claim = Claim.parse(TARGET)
    [found] = times(evidence_of(runs, studies, claims=[claim], costs=[cost])).cells
    plain, batch = found.arms
    assert (plain.median_steps, batch.median_steps) == (200, 100)
    assert (plain.median_examples, batch.median_examples) == (6400, 3200)
    assert (plain.median_seconds, batch.median_seconds) == pytest.approx((0.2, 0.2))
    assert batch.norm_kernel == "fused"
    assert batch.steps_ratio is not None
    # 50 to 100 steps over 150 to 200: the middle of what two looks leave open
    middle = (math.log(50 / 200) + math.log(100 / 150)) / 2
    assert batch.steps_ratio.value == pytest.approx(middle)
    assert batch.cost_ratio is not None
    assert batch.cost_ratio.value == pytest.approx(math.log(2))
    assert batch.seconds_ratio is not None
    assert batch.seconds_ratio.value == pytest.approx(middle + math.log(2))
    [without] = times(evidence_of(runs, studies, claims=[claim])).cells
    assert (without.arms[1].seconds_ratio, without.arms[1].median_seconds) == (None, None)


def test_an_arm_that_does_not_get_there_has_no_time() -> None:
    runs, studies = _table((_timed("none"), _reaches(50, 1)), (_timed("batch"), _reaches(50, 9)))
    claim = Claim.parse(TARGET)
    [found] = times(evidence_of(runs, studies, claims=[claim])).cells
    batch = found.arms[1]
    assert (batch.reached, batch.runs, batch.median_steps) == (0, 4, None)
    assert batch.steps_ratio is not None
    assert batch.steps_ratio.known == "at least"


# Momenta


def test_a_trajectory_has_a_line_for_each_kind_of_statistics_and_momentum() -> None:
    probes = fixed_study().probes.plain() | {
        "shadow_momenta": [0.9, 0.99],
        "statistics_curves": ["batch", "recalibrated"],
    }
    made = fixed_study(probes=probes)
    curves = {
        "validation_score_batch": [0.8, 0.9],
        "validation_score_recalibrated": [0.7, 0.9],
        "validation_score_momentum_0.9": [0.3, 0.9],
        "validation_score_momentum_0.99": [0.1, None],
    }
    runs, studies = _table((made, lambda *_: {"curves": curves}))
    [found] = gap(evidence_of(runs, studies)).trajectories
    assert found.steps == (3, 6)
    lines = {(line.kind, line.momentum): line.points for line in found.lines}
    assert [point and point.value for point in lines["moving", 0.9]] == pytest.approx([0.3, 0.9])
    assert lines["moving", 0.99][1] is None  # no run has a finite value there
    assert lines["batch", None][0].clusters == len(SEEDS)
    assert gap(evidence_of(runs, [fixed_study()])).trajectories == ()


# Tables of settings


def test_a_setting_without_runs_stands_in_its_table_as_missing() -> None:
    made = fixed_study(axes={"norm.epsilon": [0.001, 0.1]})
    kept = answers(made, lambda *_: {"output_change_training": 0.3})[: len(SEEDS)]
    runs = runs_table(kept, by_name(made), MANIFESTS)
    [found] = fixed(evidence_of(runs, [made])).cells
    first, second = found.settings
    assert first.values == {"norm.epsilon": 0.001}
    assert (first.outcomes.runs, first.parameters, first.change_training) == (4, 10, 0.3)
    assert (second.outcomes.runs, second.planned, second.moving, second.parameters) == (
        0,
        4,
        None,
        None,
    )
    [nothing] = fixed(evidence_of(runs.iloc[:0], [made])).cells
    assert [setting.outcomes.runs for setting in nothing.settings] == [0, 0]


def test_two_arguments_with_one_bare_name_are_told_apart() -> None:
    """SGD's momentum is varied, batch norm has one of its own; each setting has its own 4 runs."""
    sgd = {"target": "keras.optimizers.SGD", "arguments": {"learning_rate": 0.1, "momentum": 0.0}}
    made = fixed_study(optimizer=sgd, axes={"optimizer.momentum": [0.0, 0.9]})
    runs, studies = _table(
        (made, lambda values, _: {"validation_score": 0.5 + values["optimizer.momentum"] / 2})
    )
    assert set(runs["norm.momentum"]) == {0.9}
    [found] = fixed(evidence_of(runs, studies)).cells
    assert [setting.outcomes.runs for setting in found.settings] == [4, 4]
    assert [setting.moving and setting.moving.value for setting in found.settings] == [0.5, 0.95]


def test_an_axis_may_list_nothing_as_a_value() -> None:
    adam = {"target": "keras.optimizers.AdamW", "arguments": {"weight_decay": None}}
    made = fixed_study(optimizer=adam, axes={"optimizer.weight_decay": [None, 0.01]})
    runs, studies = _table((made, lambda *_: {}))
    [found] = fixed(evidence_of(runs, studies)).cells
    assert [setting.outcomes.runs for setting in found.settings] == [4, 4]


# The map


def test_a_map_pairs_points_and_says_who_failed() -> None:
    rates = np.geomspace(1.5e-3, 0.09, 8)
    studies = [mapped_study(arm, tuple(range(1, 9))) for arm in ("none", "batch")]
    found = []
    for made in studies:
        for n, rate in enumerate(rates):
            fails = made.arm == "none" and n == 7
            score = 0.1 if fails else 0.96 if made.arm == "batch" else 0.92
            values = {"optimizer.learning_rate": float(rate), "batch_size": 16}
            found.append(answer(made, n, values, n + 1, {"validation_score": score}))
    runs = runs_table(found, by_name(*studies), MANIFESTS)
    [drawn] = where(evidence_of(runs, studies)).maps
    assert [spot.failed for spot in drawn.spots] == [None] * 7 + ["against"]
    assert drawn.spots[0].gain == pytest.approx(math.log(80.5 / 40.5))
    assert drawn.spots[7].gain is None
    assert drawn.clusters == 8
    assert drawn.regions.cant_tell == 1  # eight points are too few for a surface
    assert drawn.over_batch_size[0].batch_size == 16
    assert drawn.planned == 8
