"""Costs of a step: what is measured, what its readings say, and that they stand still.

The readings are made up: a step is timed by a function of the test, and TensorFlow is not there.
"""

import json
import math
import sys
from pathlib import Path

import pytest
import yaml
from fake_answers import SEEDS, STUDIES, TRIALS, fake_runs
from questions import STUDY, result, study, trial

from pipeline.errors import Refusal
from pipeline.execution import costs, environment
from pipeline.execution.clocks import training_clock
from pipeline.execution.cost_cells import cost_cells, cost_question
from pipeline.execution.costs import CostStore
from pipeline.execution.store import Clock, Store
from pipeline.stages import cost as stage
from pipeline.stages.files import read_costs, write_answers
from pipeline.stages.places import Places
from pipeline.statistics.cost_ratios import log_cost_ratio, step_milliseconds
from pipeline.statistics.step_costs import ArmCost, StepCost, cost_of
from pipeline.studies import Plan

PLACES = Places("quick")
LEVEL = 0.95
KERNELS = {"none": "none", "batch": "fused", "layer": "keras"}


def readings(*milliseconds: float, kernel: str = "none", share: float = 1.0) -> ArmCost:
    seconds = tuple(each / 1000 for each in milliseconds)
    return ArmCost(
        steps=100,
        wall_seconds=seconds,
        cpu_seconds=tuple(share * each for each in seconds),
        kernels={"norm": kernel, "optimizer": "raw"},
    )


def cell(**arms: ArmCost) -> StepCost:
    names = {"experiment": "e", "dataset": "d", "model": "m", "optimizer": "o"}
    return StepCost(**names, batch_size=32, arms=arms)


# --- what readings say


def test_the_ratio_is_taken_within_each_round():
    """A round in which everything is ten times slower says as much as any other."""
    cost = cell(none=readings(1, 10, 1, 1), batch=readings(1.2, 12, 1.2, 1.2))
    found = log_cost_ratio(cost, "batch", "none", level=LEVEL)
    assert found.value == pytest.approx(math.log(1.2))
    assert found.clusters == 4


def test_the_interval_is_a_t_interval_on_log_ratios():
    """Logs 0.1, 0.2, 0.3: mean 0.2, standard error 0.1 / sqrt(3), t(2) at 97.5% = 4.302653."""
    none = (1.0, 1.0, 1.0)
    cost = cell(none=readings(*none), batch=readings(*(math.exp(x) for x in (0.1, 0.2, 0.3))))
    found = log_cost_ratio(cost, "batch", "none", level=LEVEL)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert found.value == pytest.approx(0.2)
    assert found.limits == pytest.approx((0.2 - half, 0.2 + half))


def test_an_arm_that_was_not_measured_has_no_ratio():
    cost = cell(none=readings(1, 1))
    assert log_cost_ratio(cost, "batch", "none", level=LEVEL) is None
    assert log_cost_ratio(cost, "none", "batch", level=LEVEL) is None


def test_an_arms_milliseconds_are_the_median_round():
    assert step_milliseconds(cell(none=readings(2, 1, 9)), "none") == pytest.approx(2)


def test_the_core_share_says_whether_others_were_at_work():
    cost = cell(none=readings(1, 1), batch=readings(1, 1, share=0.5))
    assert cost.core_share == pytest.approx(0.75)


def test_a_cost_is_found_by_its_cell_and_batch_size():
    cost = cell(none=readings(1))
    assert cost_of([cost], "e/d/m/o", 32) is cost
    assert cost_of([cost], "e/d/m/o", 64) is None
    assert cost_of([cost], "e/d/m/other", 32) is None


def test_arms_with_different_rounds_were_not_interleaved():
    with pytest.raises(ValueError, match="every round has every arm"):
        cell(none=readings(1, 1), batch=readings(1))


# --- what is measured


@pytest.fixture
def _anywhere(monkeypatch):
    """Modules that only a question names are found."""
    monkeypatch.setattr(environment, "_module", lambda target: target.rpartition(".")[0])


@pytest.mark.usefixtures("_anywhere")
def test_arms_of_a_cell_are_measured_together_at_each_batch_size_of_an_axis():
    design = STUDY["design"] | {"searches": False, "has_winner": False, "seeds": "every"}
    axis = {"axes": {"batch_size": [8, 2]}, "space": {}, "design": design, "confirm_seeds": []}
    plain = {"arm": "none", "norm": {"layer": None, "placement": "before"}}
    studies = [
        study(experiment="sizes", **axis),
        study(experiment="sizes", **plain, **axis),
        study(experiment="tuned"),
    ]
    cells = cost_cells(studies, {"digits": "d" * 64})
    assert [(each.name, sorted(each.questions)) for each in cells] == [
        ("sizes/digits/mlp/adam, batch 2", ["batch", "none"]),
        ("sizes/digits/mlp/adam, batch 8", ["batch", "none"]),
        ("tuned/digits/mlp/adam, batch 32", ["batch"]),
    ]
    assert [each.questions["batch"].batch_size for each in cells] == [2, 8, 32]


@pytest.mark.usefixtures("_anywhere")
def test_what_belongs_to_a_run_or_to_a_probe_decides_no_cost():
    def asked(**changes):
        return cost_question(study(**changes), 32, data_digest="d" * 64)

    shadows = study().probes.plain() | {"shadow_momenta": [0.5]}
    assert asked() == asked(epochs=9) == asked(steps_per_epoch=5) == asked(probes=shadows)
    assert asked() != asked(norm={"layer": None, "placement": "before"})


# --- readings stand still


QUESTIONS = {"none": trial(), "batch": trial(seed=1)}
ARMS = {"none": readings(1, 2), "batch": readings(2, 3, kernel="fused")}


def test_readings_come_back_as_they_were(tmp_path):
    kept = CostStore(tmp_path / "costs")
    assert kept.get(QUESTIONS) is None
    kept.put(QUESTIONS, ARMS)
    assert kept.get(QUESTIONS) == ARMS
    assert kept.get({"none": trial(), "batch": trial(seed=2)}) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "null",
        lambda text: text.replace("0.002", "0.001"),
        lambda text: text.replace('"seed":1', '"seed":2'),
    ],
)
def test_damaged_readings_are_set_aside(damage, tmp_path, caplog):
    kept = CostStore(tmp_path / "costs")
    kept.put(QUESTIONS, ARMS)
    file = kept.file(QUESTIONS)
    file.write_text(damage(file.read_text()))
    assert kept.get(QUESTIONS) is None
    assert "the cost is measured again" in caplog.text
    assert file.with_suffix(".damaged").exists()
    kept.put(QUESTIONS, ARMS)
    assert kept.get(QUESTIONS) == ARMS


def test_readings_under_another_cells_name_are_not_taken(tmp_path, caplog):
    kept = CostStore(tmp_path / "costs")
    kept.put(QUESTIONS, ARMS)
    other = {"none": trial(), "batch": trial(seed=2)}
    kept.file(QUESTIONS).rename(kept.file(other))
    assert kept.get(other) is None


# --- what training took


def test_clocks_add_up_each_trial_once(tmp_path):
    store = Store(tmp_path)
    for seed, commit, dirty, host in ((0, "aa", "", "h"), (1, "bb", "d", "i"), (2, "", "", "h")):
        clock = Clock(started=100.0 * seed, wall_seconds=0.1, commit=commit, dirty=dirty, host=host)
        store.put(trial(seed=seed), result(0.9), clock)
    keys = [trial(seed=seed).key for seed in range(4)]
    found = training_clock([*keys, keys[0]], keys[:1], store)
    assert (found.swept, found.confirmed, found.trials, found.without_clock) == (5, 1, 4, 1)
    assert found.wall_seconds == pytest.approx(0.3)
    assert (found.commits, found.uncommitted, found.hosts) == (("aa", "bb"), 1, 2)
    assert found.started == "1970-01-01T00:00:00+00:00"
    assert found.ended == "1970-01-01T00:03:20+00:00"


def test_without_any_clock_there_are_no_dates(tmp_path):
    found = training_clock(["a" * 64], [], Store(tmp_path))
    assert (found.without_clock, found.wall_seconds) == (1, 0.0)
    assert (found.started, found.ended) == (None, None)


# --- the stage


@pytest.fixture
def plan(tmp_path, monkeypatch) -> Plan:
    """A profile up to its confirmed winners, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NORMBENCH_STORE", raising=False)
    runs = fake_runs()
    write_answers(PLACES.studies, runs.swept)
    write_answers(PLACES.confirmed, runs.confirmed)
    for name, manifest in runs.manifests.items():
        PLACES.dataset(name).mkdir(parents=True)
        (PLACES.dataset(name) / "manifest.json").write_text(json.dumps(manifest.plain()))
    return runs.plan


def compose(plan: Plan, *experiments: str) -> None:
    analysis = plan.analysis.plain() | {"cost_experiments": list(experiments)}
    PLACES.plan.parent.mkdir(parents=True, exist_ok=True)
    PLACES.plan.write_text(yaml.safe_dump(plan.plain() | {"analysis": analysis}))


@pytest.fixture
def timed(monkeypatch) -> list[list[str]]:
    """Stands in for the clock; lists which arms it was asked to time."""
    asked: list[list[str]] = []

    class Timing:
        @staticmethod
        def measure(questions, folder, watch):
            asked.append(sorted(questions))
            watch(1.0)
            return {
                arm: readings(
                    *(len(asked) + 0.01 * len(arm) + 0.1 * n for n in range(4)),
                    kernel=KERNELS.get(arm, "fused"),
                )
                for arm in questions
            }

    monkeypatch.setattr(costs, "training_module", lambda trial, name: Timing)
    return asked


def test_without_cost_experiments_nothing_is_measured_or_loaded(plan, timed, capsys):
    compose(plan)
    loaded = set(sys.modules)
    stage.run("quick")
    found = read_costs("quick")
    assert found.costs == ()
    assert found.clock.swept == STUDIES * TRIALS
    assert found.clock.confirmed == STUDIES * len(SEEDS)
    assert found.clock.without_clock == found.clock.trials
    assert timed == []
    assert "tensorflow" not in set(sys.modules) - loaded
    assert capsys.readouterr().out == f"{PLACES.costs}: 0 cells, 0 of them measured now\n"


def test_an_experiment_that_does_not_ask_is_not_measured(plan, timed):
    compose(plan, "another")
    stage.run("quick")
    assert (timed, read_costs("quick").costs) == ([], ())


def test_a_cost_is_measured_once_and_the_file_comes_back_the_same(plan, timed, capsys):
    compose(plan, "tuned")
    stage.run("quick")
    once, said = PLACES.costs.read_bytes(), capsys.readouterr().out
    assert timed == [["batch", "batch_default", "layer", "none"]] * 2
    PLACES.costs.unlink()
    stage.run("quick")
    assert PLACES.costs.read_bytes() == once
    assert len(timed) == 2
    again = capsys.readouterr().out
    assert "2 of them measured now" in said
    assert "0 of them measured now" in again
    assert again.splitlines()[:-1] == said.splitlines()[:-1]


def test_each_cell_says_the_reference_and_the_others_over_it(plan, timed, capsys):
    compose(plan, "tuned")
    stage.run("quick")
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("tuned/mnist_5k/cnn/adam, batch 32: none 1.19 ms, batch (fused) x 1.0")
    assert "layer (keras) x 1.0" in line


def test_a_damaged_cost_is_measured_again(plan, timed):
    compose(plan, "tuned")
    stage.run("quick")
    file = sorted(Path("store/costs").glob("*.json"))[0]
    file.write_text(file.read_text()[:-9])
    stage.run("quick")
    assert len(timed) == 3


def test_sealed_outputs_and_answers_do_not_change(plan, timed):
    compose(plan, "tuned")
    before = {file: file.read_bytes() for file in (PLACES.studies, PLACES.confirmed)}
    stage.run("quick")
    assert {file: file.read_bytes() for file in before} == before
    assert Store(Path("store")).keys() == ()
    assert b"seconds" not in b"".join(before.values())


def test_a_busy_machine_is_told(plan, timed, monkeypatch, caplog):
    compose(plan, "tuned")
    monkeypatch.setattr(stage, "IDLE_SHARE", 1.1)
    stage.run("quick")
    assert "the machine was busy: 100% of a core was left" in caplog.text
    assert "store/costs/" in caplog.text


@pytest.mark.parametrize(
    ("path", "command"),
    [(PLACES.plan, "compose"), (PLACES.studies, "sweep"), (PLACES.confirmed, "confirm")],
)
def test_a_missing_input_is_refused_with_the_command_to_run_first(plan, path, command):
    compose(plan, "tuned")
    path.unlink()
    with pytest.raises(Refusal) as refusal:
        stage.run("quick")
    assert str(refusal.value) == f"{path} is missing; run: normbench {command} quick"


def test_missing_arrays_are_refused(plan, timed):
    compose(plan, "tuned")
    (PLACES.dataset("mnist_5k") / "manifest.json").unlink()
    with pytest.raises(Refusal, match="run prepare again"):
        stage.run("quick")


def test_a_missing_or_damaged_file_says_to_measure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match=r"cost\.json is missing; run: normbench cost quick"):
        read_costs("quick")
    PLACES.costs.parent.mkdir(parents=True)
    PLACES.costs.write_text("{}")
    with pytest.raises(Refusal, match=r"cost\.json is damaged; remove it and run: normbench cost"):
        read_costs("quick")
