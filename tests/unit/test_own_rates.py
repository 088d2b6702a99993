"""Each arm at a rate of its own: some seeds choose it, the others are judged at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fixed_runs import MANIFESTS, answers, by_name, fixed_study
from pydantic import ValidationError

from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal
from pipeline.statistics.own_rates import chosen, own_runs, shared_runs
from pipeline.statistics.runs import planned_runs, runs_table
from pipeline.studies import Study

RATE, DEPTH = "optimizer.learning_rate", "model.width"
RATES = (0.001, 0.01, 0.1)
SEEDS = (1, 2, 3, 4, 5, 6)
OWN = {
    "axis": RATE,
    "choosing": 2,
    "target": None,
    "evaluations": 1,
    "statistics": "recalibrated",
    "beside": 0.001,
}
Score = Callable[[dict, int], float]


def study_of(arm: str = "batch", *, depths: tuple[int, ...] = (2, 20), **own: object) -> Study:
    axes = {DEPTH: list(depths), RATE: list(RATES)}
    return fixed_study(arm, axes=axes, seeds=SEEDS, own=OWN | own)


def runs_of(score: Score, *studies: Study) -> pd.DataFrame:
    found = [
        answer
        for study in studies
        for answer in answers(study, lambda values, seed: {"validation_score": score(values, seed)})
    ]
    return runs_table(found, by_name(*studies), MANIFESTS)


def test_the_other_seeds_stand_at_the_rate_that_is_best_in_their_cell() -> None:
    best = {2: 0.01, 20: 0.1}
    runs = runs_of(lambda at, _: 0.9 if at[RATE] == best[at[DEPTH]] else 0.8, study_of())
    own = own_runs(runs)
    assert sorted(set(own["seed"])) == [3, 4, 5, 6]
    assert own.groupby(DEPTH)[RATE].unique().map(list).to_dict() == {2: [0.01], 20: [0.1]}


def test_a_seed_that_is_judged_has_no_say_in_its_rate() -> None:
    def score(at: dict, seed: int) -> float:
        return 0.9 if (at[RATE] == 0.1) == (seed <= 2) else 0.7

    assert set(own_runs(runs_of(score, study_of()))[RATE]) == {0.1}


def test_a_run_at_the_rate_of_all_arms_that_an_arm_chose_is_one_run_of_both_kinds() -> None:
    runs = runs_of(lambda at, _: 0.9 if at[RATE] == 0.001 else 0.8, study_of(depths=(2,)))
    own, shared = own_runs(runs), shared_runs(runs)
    assert len(runs) == 3 * 2 + 4
    assert list(own["seed"]) == [3, 4, 5, 6]
    assert set(own.index) <= set(shared.index)


def test_what_is_judged_by_the_time_to_a_target_is_chosen_by_it() -> None:
    made = study_of(depths=(2,), target=0.85)

    def figures(at: dict, _: int) -> dict:
        soon = {0.001: [0.5, 0.95], 0.01: [0.9, 0.5], 0.1: [0.86, 0.87]}[at[RATE]]
        return {"validation_score": soon[-1], "curves": {"validation_score": soon}}

    runs = runs_table(answers(made, figures), by_name(made), MANIFESTS)
    assert set(own_runs(runs)[RATE]) == {0.1}  # at 0.01 the next evaluation is below again


def test_where_one_evaluation_is_luck_the_mean_of_the_last_ones_chooses() -> None:
    """A run that ended early has no evaluations but what it scored at its end."""
    curves = {0.001: [0.9, 0.1, 0.9], 0.01: [0.0, 0.7, 0.7], 0.1: [0.8]}

    def figures(at: dict, _: int) -> dict:
        lost = {"training_loss": [None]} if at[RATE] == 0.1 else {}
        scores = curves[at[RATE]]
        end = 0.1 if at[RATE] == 0.1 else scores[-1]
        return {"validation_score": end, "curves": {"validation_score": scores, **lost}}

    for evaluations, best in ((1, 0.001), (2, 0.01)):
        made = study_of(depths=(2,), evaluations=evaluations)
        runs = runs_table(answers(made, figures), by_name(made), MANIFESTS)
        assert set(own_runs(runs)[RATE]) == {best}


def test_a_diverged_run_never_reached_its_target() -> None:
    made = study_of(depths=(2,), target=0.85)

    def figures(at: dict, _: int) -> dict:
        lost = {"training_loss": [0.9, None]} if at[RATE] == 0.1 else {}
        soon = [0.9, 0.9] if at[RATE] == 0.1 else [0.5, 0.95]
        return {"validation_score": soon[-1], "curves": {"validation_score": soon, **lost}}

    runs = runs_table(answers(made, figures), by_name(made), MANIFESTS)
    assert set(own_runs(runs)[RATE]) == {0.001}


def test_as_many_seeds_are_planned_as_are_judged() -> None:
    planned = planned_runs([study_of(depths=(2,))])
    assert sorted(own_runs(planned)["seed"]) == [3, 4, 5, 6]
    at_one = shared_runs(planned)
    assert sorted(at_one[at_one[RATE] == 0.001]["seed"]) == [1, 2, 3, 4, 5, 6]
    assert sorted(at_one[at_one[RATE] == 0.1]["seed"]) == [1, 2]


def test_what_was_chosen_is_told_by_cell_and_a_choice_at_the_grids_end_is_said() -> None:
    studies = [study_of("batch"), study_of("none")]
    best = {"batch": 0.1, "none": 0.01}
    found = [
        answer
        for study in studies
        for answer in answers(
            study,
            lambda at, _, arm=study.arm: {"validation_score": 0.9 - abs(at[RATE] - best[arm])},
        )
    ]
    runs = own_runs(runs_table(found, by_name(*studies), MANIFESTS))
    sides = [runs[runs["arm"] == arm] for arm in ("batch", "none")]
    assert [one.text for one in chosen(sides, RATE, RATES)] == [
        "batch at model.width 2: 0.1 (the grid's end)",
        "batch at model.width 20: 0.1 (the grid's end)",
        "none at model.width 2: 0.01",
        "none at model.width 20: 0.01",
    ]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"beside": 0.5}, "beside must be a value of axes.optimizer.learning_rate"),
        ({"choosing": 6}, "more than the 6 that choose"),
        ({"axis": "norm.momentum"}, "beside must be a value of axes.norm.momentum"),
    ],
)
def test_what_cannot_choose_is_refused(own: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        study_of(**own)


def test_a_claim_about_own_rates_asks_for_arms_that_choose_them(tmp_path: Path) -> None:
    conf = Path(shutil.copytree("conf", tmp_path / "conf"))
    file = conf / "experiment" / "depth_mlp.yaml"
    file.write_text(file.read_text().replace("own_rate", "factorial"))
    with pytest.raises(Refusal, match=r"depth\.yaml.*parts\.0\.own.*depth_mlp.*own_rate"):
        compose_plan(conf, "depth")
