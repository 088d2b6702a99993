"""Control: what a return scores, by arithmetic; its first states; what is refused in one line."""

import math
import re
import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
import pytest
import yaml
from fake_answers import manifest_of

from pipeline.claims.kinds.levels import late_difference
from pipeline.configuration.cell import compose_cells
from pipeline.configuration.plan import compose_plan
from pipeline.data.cartpole import load
from pipeline.errors import Refusal
from pipeline.execution.environment import CARTPOLE, environment
from pipeline.search.questions import components
from pipeline.tasks.control import Control
from pipeline.tasks.scoring import scoring_of

CONF = Path("conf")
ARGUMENTS = {
    name: value
    for name, value in yaml.safe_load((CONF / "task/control.yaml").read_text()).items()
    if name not in ("_target_", "trainers", "score", "error")
}
CONTROL = Control(**ARGUMENTS)
RETURNS = np.array([[500.0], [100.0], [9.0], [191.0]], np.float32)  # a mean of 200
SIDES = np.zeros(4, np.int64)


def composed(*overrides: str):
    return compose_cells(CONF, ["dataset=cartpole", *overrides], multirun=False)[0].cell


def refusal(*overrides: str) -> str:
    with pytest.raises(Refusal) as refused:
        composed(*overrides)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_score_is_the_mean_return_over_the_most_that_an_episode_earns():
    assert CONTROL.score(RETURNS, SIDES, 1.0) == pytest.approx(0.4)
    assert CONTROL.error(RETURNS, SIDES) == pytest.approx(0.6)
    assert CONTROL.loss_of(RETURNS, SIDES) == CONTROL.error(RETURNS, SIDES)
    assert CONTROL.training_score(400.0, 1.0) == pytest.approx(0.2)  # 400 of 500 were missed
    assert CONTROL.uninformed(2, 1.0) == (0.044, 0.956)
    assert CONTROL.fails_below(0.9) == 0.044


def test_each_episode_s_return_is_told_and_read_again():
    text = CONTROL.packed(RETURNS, SIDES, 1.0)
    assert CONTROL.unpacked(text, 4).tolist() == [1.0, 0.2, 0.018, 0.382]
    assert CONTROL.outcomes(text) == [500.0, 100.0, 9.0, 191.0]
    assert CONTROL.total(text) == ("mean return", 200.0)
    assert CONTROL.total(text[:-1]) == ("mean return", "unreadable")
    with pytest.raises(ValueError, match="4 returns are not one for each of 5"):
        CONTROL.unpacked(text, 5)


def test_a_perfect_policy_s_error_has_a_logarithm_too():
    assert CONTROL.log_error([0.0, 0.5], [20, 20]) == pytest.approx(
        [math.log(0.5 / 21), math.log(10.5 / 21)]
    )
    for wrong in (math.nan, 1.5):
        with pytest.raises(ValueError, match="from 0 to 1"):
            CONTROL.log_error([wrong], [20])


def test_exploration_falls_in_a_line_and_stays():
    steps = np.array([0, 3000, 6000, 90_000])
    assert CONTROL.exploration(steps) == pytest.approx([1.0, 0.525, 0.05, 0.05])


def test_states_are_gymnasium_s_and_so_is_an_episode_s_length():
    source = load(episodes=3, seed=0)
    made = gymnasium.make("CartPole-v1")
    states = [made.reset(seed=0)[0], made.reset()[0], made.reset()[0]]
    assert np.array_equal(source.examples, np.stack(states))
    assert source.labels == ("left", "right")
    assert source.targets.tolist() == [int(state[2] > 0) for state in states]
    assert gymnasium.spec("CartPole-v1").max_episode_steps == ARGUMENTS["episode_steps"]


def test_what_the_environment_steps_by_is_part_of_a_trial_s_code(monkeypatch):
    def code(*overrides: str) -> str:
        cell = compose_cells(CONF, list(overrides), multirun=False)[0].cell
        return environment(components(cell), cell.trainer).code

    from pipeline.execution import environment as module

    before = code("dataset=cartpole"), code()
    module.code_digest.cache_clear()
    monkeypatch.setattr(
        module, "FOLLOWED", tuple(each for each in module.FOLLOWED if each != CARTPOLE)
    )
    after = code("dataset=cartpole"), code()
    module.code_digest.cache_clear()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_task_chooses_who_trains():
    assert composed().trainer == "dqn"
    assert compose_cells(CONF, [], multirun=False)[0].cell.trainer == "engine"
    assert compose_cells(CONF, ["trainer=fit"], multirun=False)[0].cell.trainer == "fit"


def test_a_task_of_one_dataset_stands_for_it():
    [asked] = compose_cells(CONF, ["task=control", "epochs=2"], multirun=False)
    assert (asked.cell.dataset, asked.cell.epochs) == ("cartpole", 2)
    assert asked.overrides == ("dataset='cartpole'", "epochs=2")
    with pytest.raises(Refusal, match="task=classification: is its dataset's to say"):
        compose_cells(CONF, ["task=classification"], multirun=False)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["trainer=fit"], "command line: trainer must be dqn, .* on cartpole, got fit"),
        (
            ["dataset=digits", "trainer=dqn"],
            "trainer must be engine, fit or compiled, .* digits, got dqn",
        ),
        (["trainer=sac"], "trainer must be .*'dqn'.*, got 'sac'"),
        (["dataset.source.episodes=0"], None),
        (["dataset.train=0"], "dataset.train must be at least 1"),
    ],
)
def test_what_cannot_be_meant_on_the_command_line_is_refused_in_one_line(overrides, says):
    if says is None:
        with pytest.raises(Refusal, match="episodes must be at least 1, got 0"):
            load(episodes=0, seed=0)
    else:
        assert re.search(says, refusal(*overrides)), refusal(*overrides)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"discount": 1.0}, "task.discount must be less than 1, got 1.0"),
        ({"actors": 0}, "task.actors must be at least 1, got 0"),
        ({"exploration_start": 1.5}, "task.exploration_start must be at most 1, got 1.5"),
        ({"target_period": "often"}, "task.target_period must be a whole number, got 'often'"),
        ({"exploration_end": 1.0, "exploration_start": 0.5}, "exploration_end must be at most exp"),
        ({"warmup_steps": 1001}, "warmup_steps must be a multiple of 4 actors, got 1001"),
        ({"replay_capacity": 600}, "hold the 1000 steps of the warm-up, got 600"),
        ({"guessing_return": 500}, "guessing_return must be less than the 500 steps"),
        ({"episode_steps": 70_000}, "episode_steps must be at most 65535, got 70000"),
        ({"momentums": 1}, "takes no argument 'momentums'"),
        ({"trainers": []}, "task.trainers must"),
        (
            {"trainers": ["sac"]},
            "task.trainers.0 must be 'engine', 'fit', 'compiled' or 'dqn', got 'sac'",
        ),
    ],
)
def test_an_argument_of_the_task_that_is_wrong_is_refused_in_one_line(changes, says, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    content = yaml.safe_load((conf / "task/control.yaml").read_text()) | changes
    (conf / "task/mine.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(Refusal) as refused:
        compose_cells(conf, ["dataset=cartpole", "dataset.task=mine"], multirun=False)
    line = str(refused.value)
    assert line.startswith(str(conf / "task/mine.yaml"))
    assert "\n" not in line
    assert says in line


def test_a_dataset_without_states_is_none_for_control():
    with pytest.raises(Refusal, match=r"no states with named actions; take dataset=cartpole"):
        scoring_of(composed().task.scoring).check(manifest_of("digits"))


def test_a_step_s_cost_is_the_engine_s_alone(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    profile = conf / "profile/control.yaml"
    profile.write_text(
        profile.read_text().replace("cost_experiments: []", "cost_experiments: [control]")
    )
    with pytest.raises(Refusal, match=r"cost_experiments measures a step of the engine's"):
        compose_plan(conf, "control")


def runs(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns).assign(failed=False)


def test_a_late_difference_is_of_the_last_evaluations_in_hundredths():
    """A run that ended early scores what it has at its end: 0.1, of 4 evaluations three times."""
    steps = [(1, 2, 3, 4)] * 2
    ours = runs(
        seed=[1, 2],
        steps=steps,
        validation_score=[0.6, 0.1],
        validation_score_curve=[(0.0, 0.2, 0.4, 0.6), (0.9,)],
    )
    theirs = runs(
        seed=[1, 2],
        steps=steps,
        validation_score=[0.2, 0.2],
        validation_score_curve=[(0.9, 0.2, 0.2, 0.2), (0.9, None, 0.5, 0.2)],
    )
    found = late_difference(ours, theirs, block=["seed"], curve="validation_score_curve", last=3)
    assert found.lows == pytest.approx((20.0, 10.0 - 30.0))
