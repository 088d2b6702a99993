"""Tasks: every file of conf/task, and what a score, an error and an outcome are, by arithmetic."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from fake_answers import manifest_of

from pipeline.configuration.cell import compose_cells
from pipeline.errors import Refusal
from pipeline.execution.environment import environment
from pipeline.records import Component
from pipeline.search.questions import components
from pipeline.tasks.classification import Classification
from pipeline.tasks.regression import Regression
from pipeline.tasks.scoring import scoring_of

CONF = Path("conf")
TASKS = sorted(file.stem for file in (CONF / "task").glob("*.yaml"))
GENERATOR = np.random.default_rng(0)
LOGITS = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32))
LABELS = np.array([0, 1])
NUMBERS = GENERATOR.normal(3.0, 2.0, (40, 2)).astype(np.float32)
SPREAD = float(NUMBERS.astype(np.float64).var(axis=0).mean())
GUESSES = NUMBERS + GENERATOR.normal(0.0, 0.5, (40, 2)).astype(np.float32)


def composed(*overrides: str):
    return compose_cells(CONF, list(overrides), multirun=False)[0].cell


def refusal(*overrides: str) -> str:
    with pytest.raises(Refusal) as refused:
        composed(*overrides)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_all_tasks_are_found():
    assert {"classification", "control", "regression"} <= set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_composes_is_one_and_has_its_words(name):
    task = composed(f"dataset.task={name}").task
    scoring = scoring_of(task.scoring)
    assert scoring.loss.target.startswith("keras.losses.")
    assert scoring.tally.startswith("keras.")
    assert all((task.score, task.error.noun, task.error.less, task.error.more))


@pytest.mark.parametrize("name", sorted(file.stem for file in (CONF / "dataset").glob("*.yaml")))
def test_every_dataset_names_its_task(name):
    [asked] = compose_cells(CONF, [f"dataset={name}"], multirun=False)
    assert asked.dataset.task in TASKS


def test_a_task_that_is_not_there_is_refused_with_the_nearest():
    line = refusal("dataset.task=regresion")
    assert line.startswith("command line: task=regresion: there is no conf/task/regresion.yaml")
    assert "did you mean 'regression'? (valid: classification, control, regression)" in line
    assert refusal("dataset.task=3") == "command line: dataset.task must be a string, got 3"
    assert "task is not a known key" in refusal("+task.score=share")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("_target_: nowhere.Mine", "task._target_ names 'nowhere.Mine', but there is no module"),
        ("_target_: pipeline.tasks.scoring.Mine", "has no 'Mine'"),
        (
            "_target_: pipeline.content.Record",
            "task cannot be used: pipeline.content.Record: is no",
        ),
        ("weight: 2", "task cannot be used: .* takes no arguments"),
        ("score: 3", "task.score must be a string, got 3"),
        ("error: {noun: errors, less: fewer}", "task.error.more is missing"),
        ("error: errors", "task.error must be"),
    ],
)
def test_a_task_s_file_that_is_wrong_is_refused_in_one_line(text, says, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    task = yaml.safe_load((conf / "task/classification.yaml").read_text()) | yaml.safe_load(text)
    (conf / "task" / "mine.yaml").write_text(yaml.safe_dump(task))
    with pytest.raises(Refusal) as refused:
        compose_cells(conf, ["dataset.task=mine"], multirun=False)
    line = str(refused.value)
    assert line.startswith(str(conf / "task" / "mine.yaml"))
    assert "\n" not in line
    assert re.search(says, line), line


def test_a_dataset_that_is_none_for_its_task_is_refused():
    classes = manifest_of("digits")
    numbers = classes.model_copy(update={"labels": (), "spread": {"train": 1.0}})
    Classification().check(classes)
    Regression().check(numbers)
    with pytest.raises(Refusal, match=r"targets are 10 classes.*dataset.task=classification"):
        Regression().check(classes)
    with pytest.raises(Refusal, match=r"targets are numbers.*dataset.task=regression"):
        Classification().check(numbers)


def test_a_trial_s_code_is_that_of_its_own_task():
    """Another task's loss is no part of it; its own module is, and the pieces of Keras it names."""
    by_task = {name: composed(f"dataset.task={name}") for name in ("classification", "regression")}
    codes = {environment(components(cell), cell.trainer).code for cell in by_task.values()}
    assert len(codes) == 2
    targets = [part.target for part in components(by_task["regression"])]
    assert targets[-3:] == [
        "pipeline.tasks.regression.Regression",
        "keras.losses.MeanSquaredError",
        "keras.losses.mean_squared_error",
    ]


def test_the_cross_entropy_is_that_of_the_softmax():
    found = Classification().loss_of(LOGITS, LABELS)
    assert found == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2)


def test_a_share_is_right_and_the_others_are_errors():
    scoring = Classification()
    assert scoring.score(LOGITS, LABELS, 1.0) == 0.5
    assert scoring.error(LOGITS, LABELS) == 0.5
    assert scoring.error(LOGITS[:1], LABELS[:1]) == 0.0
    assert scoring.training_score(0.25, 1.0) == 0.25
    assert scoring.uninformed(10, 1.0) == (0.1, 0.9)


@pytest.mark.parametrize("count", [1, 8, 13])
def test_bits_come_back_as_they_were_packed(count):
    scoring = Classification()
    logits, labels = GENERATOR.normal(size=(count, 3)), GENERATOR.integers(0, 3, count)
    right = logits.argmax(axis=1) == labels
    text = scoring.packed(logits, labels, 1.0)
    np.testing.assert_array_equal(scoring.unpacked(text, count), right.astype(float))
    assert scoring.outcomes(text)[:count] == ["right" if each else "wrong" for each in right]
    assert scoring.total(text) == ("right", right.sum())
    with pytest.raises(ValueError, match="are not one for each"):
        scoring.unpacked(text, 8 * len(text) + 1)


def test_r2_is_the_share_of_variance_explained_and_has_a_floor_where_the_error_has_none():
    scoring = Regression()
    squared = ((GUESSES.astype(np.float64) - NUMBERS) ** 2).mean()
    assert scoring.error(GUESSES, NUMBERS) == scoring.loss_of(GUESSES, NUMBERS)
    assert scoring.error(GUESSES, NUMBERS) == pytest.approx(squared)
    assert scoring.score(GUESSES, NUMBERS, SPREAD) == pytest.approx(1 - squared / SPREAD)
    assert scoring.score(NUMBERS, NUMBERS, SPREAD) == 1.0
    assert scoring.score(-GUESSES, NUMBERS, SPREAD) == 0.0
    assert scoring.error(-GUESSES, NUMBERS) > SPREAD
    assert scoring.training_score(SPREAD / 4, SPREAD) == 0.75


def test_the_targets_mean_scores_nothing_and_errs_by_their_variance():
    mean = np.broadcast_to(NUMBERS.mean(axis=0), NUMBERS.shape)
    score, error = Regression().uninformed(2, SPREAD)
    assert Regression().score(mean, NUMBERS, SPREAD) == pytest.approx(score, abs=1e-6)
    assert Regression().error(mean, NUMBERS) == pytest.approx(error)


def test_outputs_that_are_no_numbers_score_nothing():
    broken = np.full_like(NUMBERS, np.nan)
    assert Regression().score(broken, NUMBERS, SPREAD) == 0.0
    assert np.isnan(Regression().error(broken, NUMBERS))
    text = Regression().packed(broken, NUMBERS, SPREAD)
    assert Regression().outcomes(text) == ["not finite"] * 40
    assert Regression().total(text) == ("unexplained", "unreadable")


def test_squared_errors_come_back_as_parts_of_r2():
    scoring = Regression()
    text = scoring.packed(GUESSES, NUMBERS, SPREAD)
    parts = scoring.unpacked(text, 40)
    squared = ((GUESSES.astype(np.float64) - NUMBERS) ** 2).mean(axis=1)
    np.testing.assert_allclose(1 - parts, squared / SPREAD, rtol=1e-6)
    assert parts.mean() == pytest.approx(scoring.score(GUESSES, NUMBERS, SPREAD), abs=1e-6)
    assert scoring.total(text) == ("unexplained", pytest.approx(1 - parts.mean()))
    worse = scoring.unpacked(scoring.packed(-GUESSES, NUMBERS, SPREAD), 40)
    assert worse.mean() < 0  # no floor: else parts would not add up
    with pytest.raises(ValueError, match="40 errors are not one for each of 41"):
        scoring.unpacked(text, 41)


def test_the_log_of_a_share_of_errors_has_half_an_error_more():
    logs = Classification().log_error([0.0, 0.25, 1.0], [1000, 8, 1])
    np.testing.assert_allclose(logs, np.log([0.5 / 1001, 2.5 / 9, 1.5 / 2]))
    for errors, examples, says in (
        ([1.01], [10], "from 0 to 1"),
        ([np.nan], [10], "from 0 to 1"),
        ([0.5], [0], "at least 1 example"),
    ):
        with pytest.raises(ValueError, match=says):
            Classification().log_error(errors, examples)


def test_the_log_of_a_squared_error_is_a_log_and_finite_for_none():
    logs = Regression().log_error([4.0, 1.0, 0.0], 100)
    np.testing.assert_allclose(logs[:2], [np.log(4), 0])
    assert np.isfinite(logs[2])
    assert logs[2] < -700
    for error in (-1.0, np.nan):
        with pytest.raises(ValueError, match="at least 0"):
            Regression().log_error([error], 100)


@pytest.mark.parametrize("scoring", [Classification(), Regression()])
def test_a_run_fails_under_half_of_what_its_arm_reaches(scoring):
    assert scoring.fails_below(0.9) == 0.45


def test_what_is_no_task_is_refused():
    with pytest.raises(Refusal, match="is no task"):
        scoring_of(Component(target="pathlib.Path", arguments={}))
