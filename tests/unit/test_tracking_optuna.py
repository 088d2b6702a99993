"""The searches in a real Optuna database, from the made-up answers in fake_answers.py."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from fake_answers import EPOCHS, STUDIES, TRIALS, FakeRuns, fake_runs
from fixed_runs import answers as fixed_answers
from fixed_runs import fixed_study
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from pipeline.execution.store import Clock
from pipeline.records import Answer
from pipeline.studies import Dimension, Study
from pipeline.tracking.optuna_connection import opened, storage_url
from pipeline.tracking.optuna_mirror import mirror_studies
from pipeline.tracking.optuna_studies import FoundStudy, WantedStudy, missing, wanted_studies
from pipeline.tracking.optuna_trials import KEY, frozen_trial
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.snapshot import Snapshot

BATCH, PLAIN = "tuned/mnist_5k/mlp/adam/batch", "tuned/mnist_5k/mlp/adam/none"
FOUR = 4  # trials a study in these tests


@pytest.fixture(scope="module")
def runs() -> FakeRuns:
    return fake_runs()


@pytest.fixture(scope="module")
def whole(runs) -> Snapshot:
    """Two studies of four trials each, all of them known."""
    studies = {
        key: study.model_copy(
            update={"design": study.design.model_copy(update={"trials": FOUR})},
        )
        for key, study in runs.plan.studies.items()
        if study.name in (BATCH, PLAIN)
    }
    swept = [one for one in runs.swept if one.study in (BATCH, PLAIN) and one.index < FOUR]
    plan = runs.plan.model_copy(update={"studies": studies})
    return Snapshot(plan, tuple(swept), (), {}, runs.manifests, {}, {}, {}, {})


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A database with Optuna's tables, and nothing in them."""
    file = tmp_path_factory.mktemp("empty") / "optuna.db"
    with opened(f"sqlite:///{file}"):
        return file


@pytest.fixture
def database(empty, tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("NORMBENCH_OPTUNA", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(empty, tmp_path / "optuna.db")
    return tmp_path / "optuna.db"


def study_of(snapshot: Snapshot, name: str = BATCH) -> Study:
    return next(study for study in snapshot.plan.studies.values() if study.name == name)


def answers_of(snapshot: Snapshot, name: str = BATCH) -> list[Answer]:
    return [answer for answer in snapshot.swept if answer.study == name]


def with_space(snapshot: Snapshot, **changes: object) -> Snapshot:
    """The same snapshot, the batch arm's space another."""
    studies = {
        key: study.model_copy(update={"space": {**study.space, **changes}})
        if study.name == BATCH
        else study
        for key, study in snapshot.plan.studies.items()
    }
    return replace(snapshot, plan=snapshot.plan.model_copy(update={"studies": studies}))


def trials(name: str = BATCH, profile: str = "quick") -> list[FrozenTrial]:
    with opened(storage_url()) as storage:
        return optuna.load_study(study_name=f"{profile}/{name}", storage=storage).trials


def names() -> list[str]:
    with opened(storage_url()) as storage:
        return sorted(optuna.get_all_study_names(storage))


def keys(name: str = BATCH) -> list[str]:
    return [trial.user_attrs[KEY] for trial in trials(name)]


def test_a_study_is_mirrored_under_its_profile_and_place(database, whole):
    mirror_studies(whole)
    assert names() == [f"quick/{BATCH}", f"quick/{PLAIN}"]
    with opened(storage_url()) as storage:
        study = optuna.load_study(study_name=f"quick/{BATCH}", storage=storage)
        assert study.direction == optuna.study.StudyDirection.MAXIMIZE
        best = max(answers_of(whole), key=lambda one: one.result.metrics["validation_score"])
        assert study.best_trial.user_attrs[KEY] == best.key


def test_a_trial_says_what_it_was_given_what_came_out_and_when(database, whole):
    answer = answers_of(whole)[1]
    clock = Clock(started=1e9, wall_seconds=5.0, commit="", dirty="", host="there")
    mirror_studies(replace(whole, clocks={answer.key: clock}))
    trial = trials()[1]
    norm = answer.trial.norm.layer.arguments
    assert trial.params == {
        "optimizer.learning_rate": answer.trial.optimizer.arguments["learning_rate"],
        "norm.momentum": norm["momentum"],
        "norm.epsilon": norm["epsilon"],
        "batch_size": answer.trial.batch_size,
    }
    assert (trial.number, trial.state) == (1, TrialState.COMPLETE)
    assert trial.value == answer.result.metrics["validation_score"]
    curve = answer.result.curves["validation_score"]
    assert trial.intermediate_values == dict(enumerate(curve, start=1))
    assert trial.user_attrs == {
        KEY: answer.key,
        "normbench.status": "ok",
        "normbench.weights_digest": answer.result.weights_digest,
    }
    assert trial.datetime_start.astimezone().timestamp() == 1e9
    assert trial.duration.total_seconds() == 5.0


def test_a_diverged_trial_is_complete_and_one_that_was_stopped_is_pruned(database, whole):
    diverged, stopped, *others = answers_of(whole)
    curves = {"validation_score": (0.2, None), "training_loss": (2.0, None)}
    result = diverged.result.model_copy(update={"curves": curves})
    first = diverged.model_copy(update={"result": result})
    short = stopped.result.model_copy(update={"epochs_asked": EPOCHS + 1})
    second = stopped.model_copy(update={"result": short})
    mirror_studies(replace(whole, swept=(first, second, *others)))
    states = [(trial.state.name, trial.user_attrs["normbench.status"]) for trial in trials()[:2]]
    assert states == [("COMPLETE", "diverged"), ("PRUNED", "pruned")]
    assert trials()[0].intermediate_values == {1: 0.2}
    assert trials()[1].value == stopped.result.metrics["validation_score"]


@pytest.mark.parametrize(
    ("name", "dimension", "value", "expected"),
    [
        ("optimizer.learning_rate", (1e-4, 0.1, "log", None), 0.01,
         FloatDistribution(1e-4, 0.1, log=True)),
        ("optimizer.learning_rate", (1e-4, 0.1, "log", 4), 0.01,
         FloatDistribution(1e-4, 0.1, log=True)),
        ("norm.momentum", (0.5, 0.999, "log_complement", None), 0.9,
         FloatDistribution(0.5, 0.999)),
        ("batch_size", (16.0, 256.0, "powers_of_two", None), 64,
         IntDistribution(16, 256, log=True)),
        ("model.width", (16.0, 256.0, "powers_of_two", None), 64,
         IntDistribution(16, 256, log=True)),
        # ends are rounded to six digits as values are, and give way to a value outside
        ("optimizer.learning_rate", (1.23456789e-4, 0.1, "log", None), 1.23457e-4,
         FloatDistribution(1.23457e-4, 0.1, log=True)),
        ("optimizer.learning_rate", (1e-4, 0.1, "log", None), 0.5,
         FloatDistribution(1e-4, 0.5, log=True)),
        # a design of one's own may propose what Optuna can't show
        ("optimizer.learning_rate", (1e-4, 0.1, "log", None), 0.0, None),
        ("batch_size", (16.0, 256.0, "powers_of_two", None), None, None),
        ("norm.momentum", (0.5, 0.999, "log_complement", None), "warm", None),
    ],
)  # fmt: skip
def test_a_dimension_is_shown_as_a_range_of_values_on_its_scale(
    whole, name, dimension, value, expected
):
    low, high, scale, points = dimension
    answer = answers_of(whole)[0]
    section, _, argument = name.partition(".")
    given = getattr(answer.trial, section).with_argument(argument, value) if argument else value
    trial = answer.trial.model_copy(update={section: given})
    space = {name: Dimension(low=low, high=high, scale=scale, points=points)}
    shown = frozen_trial(answer.model_copy(update={"trial": trial}), space, {}, None)
    assert shown.params == ({name: value} if expected else {})
    assert shown.distributions == ({name: expected} if expected else {})


def test_the_plain_arm_has_no_parameters_of_a_norm(whole):
    answer = answers_of(whole, PLAIN)[0]
    space = study_of(whole).space  # the batch arm's
    assert "norm.momentum" in space
    assert set(frozen_trial(answer, space, {}, None).params) == {
        "batch_size",
        "optimizer.learning_rate",
    }


@pytest.fixture
def grid():
    """A study of fixed settings: two rates and two seeds; and its answers."""
    study = fixed_study(axes={"optimizer.learning_rate": [0.01, 0.1]}, seeds=(1, 2))
    return study, fixed_answers(study, lambda values, seed: {"validation_score": seed / 10})


def test_what_is_no_range_is_shown_as_categories(grid):
    """As seeds are where a design draws points and crosses them with several."""
    study, swept = grid
    choices = WantedStudy(study.name, study, tuple(swept)).choices
    found = [frozen_trial(answer, {}, choices, None) for answer in swept]
    assert [trial.params for trial in found] == [
        {"optimizer.learning_rate": rate, "seed": seed} for rate in (0.01, 0.1) for seed in (1, 2)
    ]
    assert found[0].distributions == {
        "optimizer.learning_rate": CategoricalDistribution((0.01, 0.1)),
        "seed": CategoricalDistribution((1, 2)),
    }


def test_a_grid_is_no_search_and_is_left_to_mlflow(database, whole, grid):
    study, swept = grid
    plan = whole.plan.model_copy(update={"studies": {study.name: study}})
    assert mirror_studies(replace(whole, plan=plan, swept=tuple(swept))).written == 0
    with opened(storage_url()) as storage:
        assert optuna.get_all_study_names(storage) == []


def test_a_value_that_is_not_among_the_choices_is_no_parameter(whole):
    answer = answers_of(whole)[0]
    shown = frozen_trial(answer, {}, {"seed": (answer.trial.seed + 1,), "batch_size": ()}, None)
    assert shown.params == {}


def test_mirroring_again_changes_nothing(database, whole):
    done = str(mirror_studies(whole))
    assert done == f"Optuna quick: {2 * FOUR} trials written; 0 already right"
    before = database.read_bytes()
    again = str(mirror_studies(whole))
    assert again == f"Optuna quick: 0 trials written; {2 * FOUR} already right"
    assert database.read_bytes() == before


def test_only_what_is_missing_is_added(database, whole):
    fewer = tuple(answer for answer in whole.swept if answer.index < 3)
    mirror_studies(replace(whole, swept=fewer))
    before = [trial._trial_id for trial in trials()]
    done = mirror_studies(whole)
    assert (done.written, done.rewritten, done.unchanged) == (2, 0, 6)
    assert [trial._trial_id for trial in trials()][:3] == before
    assert keys() == [answer.key for answer in answers_of(whole)]


def test_what_lies_behind_a_missing_answer_waits_for_it(database, whole):
    out_of_order = tuple(answer for answer in reversed(whole.swept) if answer.index != 2)
    mirror_studies(replace(whole, swept=out_of_order))
    assert keys() == [answer.key for answer in answers_of(whole)][:2]
    mirror_studies(whole)
    assert keys() == [answer.key for answer in answers_of(whole)]


def test_a_study_that_somebody_has_added_a_trial_to_is_written_anew(database, whole):
    mirror_studies(whole)
    with opened(storage_url()) as storage:
        optuna.load_study(study_name=f"quick/{BATCH}", storage=storage).enqueue_trial({})
    line = str(mirror_studies(whole))
    assert line == (
        f"Optuna quick: {FOUR} trials written, 1 studies deleted and written anew; "
        f"{FOUR} already right"
    )
    assert keys() == [answer.key for answer in answers_of(whole)]


def test_a_study_of_another_space_is_written_anew(database, whole):
    mirror_studies(whole)
    wider = with_space(
        whole, batch_size=Dimension(low=8.0, high=512.0, scale="powers_of_two", points=None)
    )
    done = mirror_studies(wider)
    assert (done.written, done.rewritten, done.unchanged) == (FOUR, 1, FOUR)
    assert trials()[0].distributions["batch_size"] == IntDistribution(8, 512, log=True)
    assert mirror_studies(wider).written == 0


def test_a_study_that_a_crash_has_left_without_its_space_is_written_anew(database, whole):
    with opened(storage_url()) as storage:
        optuna.create_study(storage=storage, study_name=f"quick/{BATCH}", direction="minimize")
    done = mirror_studies(whole)
    assert (done.written, done.rewritten) == (2 * FOUR, 1)
    assert mirror_studies(whole).written == 0


def test_what_a_killed_process_has_not_written_is_added(database, whole):
    code = f"""
import os, pickle, sys
from pipeline.tracking import optuna_mirror
snapshot = pickle.load(sys.stdin.buffer)
frozen, left = optuna_mirror.frozen_trial, [{FOUR + 2}]
def dying(*arguments):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), 9)
    return frozen(*arguments)
optuna_mirror.frozen_trial = dying
optuna_mirror.mirror_studies(snapshot)
"""
    import pickle

    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(whole), check=False)
    assert done.returncode == -9
    written = len(keys(PLAIN)) + len(keys(BATCH))
    assert 0 < written < 2 * FOUR
    mended = mirror_studies(whole)
    assert (mended.written, mended.rewritten) == (2 * FOUR - written, 0)
    assert keys() == [answer.key for answer in answers_of(whole)]


def test_a_deleted_database_comes_back(database, whole):
    mirror_studies(whole)
    before = [(trial.params, trial.value, trial.intermediate_values) for trial in trials()]
    database.unlink()
    mirror_studies(whole)
    assert [(one.params, one.value, one.intermediate_values) for one in trials()] == before


def test_other_profiles_and_earlier_plans_are_left_alone(database, whole):
    mirror_studies(whole)
    mirror_studies(replace(whole, plan=whole.plan.model_copy(update={"profile": "reference"})))
    studies = {key: one for key, one in whole.plan.studies.items() if one.name != PLAIN}
    smaller = replace(whole, plan=whole.plan.model_copy(update={"studies": studies}))
    assert str(mirror_studies(smaller)) == (
        "Optuna quick: 0 trials written, 1 studies of earlier plans left alone, "
        f"{FOUR} answers of studies outside the plan left out; {FOUR} already right"
    )
    assert len(names()) == 4


def wanted(whole: Snapshot, count: int) -> WantedStudy:
    fewer = tuple(answer for answer in whole.swept if answer.index < count)
    first, second = wanted_studies(replace(whole, swept=fewer))
    return second if second.study.name == BATCH else first


def found(whole: Snapshot, *more: str, count: int = FOUR) -> FoundStudy:
    own = tuple(answer.key for answer in answers_of(whole)[:count])
    return FoundStudy(wanted(whole, 0).form, own + more)


def test_a_mirror_that_is_ahead_of_a_sweep_that_runs_again_is_left_alone(whole):
    assert missing(wanted(whole, 2), found(whole)) == ()


def test_a_study_with_more_trials_than_it_has_now_is_written_anew(whole):
    assert missing(wanted(whole, FOUR), found(whole, "fifth")) is None
    assert missing(wanted(whole, 2), found(whole, "fifth")) is None


def test_a_study_in_another_order_is_written_anew(whole):
    swapped = FoundStudy(wanted(whole, 0).form, tuple(reversed(found(whole).keys)))
    assert missing(wanted(whole, FOUR), swapped) is None


def test_every_study_of_the_plan_is_wanted_before_it_has_answers(runs):
    snapshot = Snapshot(runs.plan, runs.swept, (), {}, {}, {}, {}, {}, {})
    assert [len(one.answers) for one in wanted_studies(snapshot)] == STUDIES * [TRIALS]
    assert [one.answers for one in wanted_studies(replace(snapshot, swept=()))] == STUDIES * [()]


def test_a_database_that_is_not_one_is_named(whole, database):
    database.write_text("not a database, " * 100)
    with pytest.raises(MirrorUnreachable, match=r"^Optuna at sqlite:///optuna.db: .*not a data"):
        mirror_studies(whole)


def test_a_database_that_somebody_holds_is_named(whole, database, monkeypatch):
    monkeypatch.setenv("NORMBENCH_OPTUNA", f"sqlite:///{database}?timeout=0.1")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between Optuna's own retries
    mirror_studies(replace(whole, swept=()))
    holder = sqlite3.connect(database)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(MirrorUnreachable, match="database is locked"):
        mirror_studies(whole)
    holder.close()
    assert mirror_studies(whole).written == 2 * FOUR


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////proc/nowhere/optuna.db", "Optuna at sqlite:////proc/nowhere/optuna.db: "),
        ("nosuchkind://there/optuna", "Can't load plugin"),
        ("optuna.db", "Could not parse"),
        ("mysql+nosuchdriver://me:secret@there/optuna", "there/optuna: "),
        ("sqlite:///mlflow.db", "this is MLflow's database, name another with NORMBENCH_OPTUNA"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_one_line(whole, database, monkeypatch, url, told):
    monkeypatch.setenv("NORMBENCH_OPTUNA", url)
    with pytest.raises(MirrorUnreachable) as outage:
        mirror_studies(whole)
    assert told in str(outage.value)
    assert "secret" not in str(outage.value)
    assert "\n" not in str(outage.value)


def test_optuna_is_not_imported_before_a_mirror_is_asked_for():
    modules = "pipeline.tracking.mirrors, pipeline.tracking.live"
    code = (
        f"import sys, {modules}; print(*{{'optuna', 'sqlalchemy', 'mlflow'}} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
