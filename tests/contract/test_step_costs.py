"""A step's cost by the shipped configuration: measured for real, once, beside every answer."""

import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.configuration.plan import compose_plan
from pipeline.execution import costs
from pipeline.execution.clocks import training_clock
from pipeline.execution.store import Store
from pipeline.execution.work import answer
from pipeline.records import Answer
from pipeline.stages import cost as stage
from pipeline.stages import decide_files, sizing
from pipeline.stages.files import read_costs, write_answers
from pipeline.stages.places import Places
from pipeline.studies import Plan

CONF = Path("conf").resolve()
EXPERIMENT = "norms_mlp"
PLACES = Places("quick")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The quick profile, of which one experiment's plain and batch arms are left."""
    whole = compose_plan(CONF, "quick")
    studies = {
        name: study
        for name, study in whole.studies.items()
        if study.experiment == EXPERIMENT and study.arm in ("none", "batch")
    }
    analysis = whole.analysis.model_copy(update={"cost_experiments": (EXPERIMENT,)})
    return whole.model_copy(update={"studies": studies, "analysis": analysis})


@pytest.fixture
def answered(plan, asked, folder, tmp_path, monkeypatch) -> Answer:
    """A checkout in which one trial has been answered and sealed, and rounds are short."""
    from pipeline.training import cost

    trial = asked("norm=batch")  # conf/ is found from the checkout that tests run in
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NORMBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(cost, "ROUNDS", 4)
    monkeypatch.setattr(cost, "ROUND_SECONDS", 0.01)
    PLACES.plan.parent.mkdir(parents=True)
    PLACES.plan.write_text(yaml.safe_dump(plan.plain()))
    shutil.copytree(folder, PLACES.dataset("mnist_5k"))
    result = answer(trial, Store.open(), folder)
    made = Answer(study="some", index=0, key=trial.key, trial=trial, result=result)
    write_answers(PLACES.studies, [made])
    write_answers(PLACES.confirmed, [])
    return made


def test_both_arms_are_timed_once_and_no_answer_or_key_changes(answered, monkeypatch, capsys):
    store, sealed = Store.open(), PLACES.studies.read_bytes()
    stage.run("quick")
    (found,) = read_costs("quick").costs
    assert found.cell_name == f"{EXPERIMENT}/mnist_5k/mlp/adam"
    assert sorted(found.arms) == ["batch", "none"]
    for arm in found.arms.values():
        assert len(arm.wall_seconds) == len(arm.cpu_seconds) == 4
        assert 0 < min(arm.wall_seconds) <= max(arm.wall_seconds) < 1
        assert arm.steps > 1
    assert found.arms["none"].kernels["norm"] == "none"
    assert found.arms["batch"].kernels["norm"] == "formula"
    assert "1 of them measured now" in capsys.readouterr().out

    written = PLACES.costs.read_bytes()
    PLACES.costs.unlink()
    monkeypatch.setattr(costs, "training_module", None)  # nothing is trained or timed again
    stage.run("quick")
    assert PLACES.costs.read_bytes() == written
    assert "0 of them measured now" in capsys.readouterr().out

    assert PLACES.studies.read_bytes() == sealed
    assert store.keys() == (answered.key,)
    assert store.read(answered.key) == (answered.trial, answered.result)


def test_the_clock_is_that_of_the_sealed_trials(answered):
    stage.run("quick")
    assert read_costs("quick").clock == training_clock([answered.key], [], Store.open())
    assert read_costs("quick").clock.wall_seconds > 0


def test_a_trial_trained_after_a_measurement_gives_the_same_bits(answered, folder, tmp_path):
    stage.run("quick")
    again = answer(answered.trial, Store(tmp_path / "other"), folder)
    assert again == answered.result


def test_what_conf_and_the_clock_say_is_what_is_planned_with():
    """Numbers that a plan does not read where they are said, for what it would import."""
    from pipeline.training import cost

    assert (sizing.ROUNDS, sizing.ROUND_SECONDS) == (cost.ROUNDS, cost.ROUND_SECONDS)
    search = yaml.safe_load((CONF / "cell.yaml").read_text())["search"]["batch_size"]
    assert (search["low"], search["high"]) == (sizing.SMALLEST, sizing.LARGEST)
    seeds = yaml.safe_load((CONF / "study.yaml").read_text())["confirm_seeds"]
    assert seeds[0] == decide_files.FIRST_SEED
    minimum = yaml.safe_load((CONF / "profile/quick.yaml").read_text())["analysis"]["minimum"]
    assert minimum == sizing.SEARCHES
