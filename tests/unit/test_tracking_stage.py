"""`normbench mirror quick`: which files it takes, and what it refuses. MLflow is not reached,
and Optuna's database is one in a folder of the test.
"""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
import yaml
from fake_answers import fake_runs

from pipeline.data import arrays
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.execution.store import Clock, Store
from pipeline.records import Component
from pipeline.stages import mirror
from pipeline.stages.files import write_answers
from pipeline.stages.places import Places
from pipeline.studies import Dataset

STUDY = "tuned/mnist_5k/mlp/adam/batch"
SOURCE = Source(
    examples=np.zeros((12, 2, 2, 1), np.uint8),
    targets=np.arange(12) % 2,
    labels=("even", "odd"),
    test_examples=None,
    test_targets=None,
    scale=1.0,
    source="twelve black images",
    license="none",
)
SPLIT = Dataset(
    task="classification",
    source=Component(target="made.up", arguments={}),
    train=8,
    validation=2,
    test=2,
    seed=0,
)


@pytest.fixture(scope="module")
def runs():
    return fake_runs()


@pytest.fixture
def places(tmp_path, monkeypatch, runs) -> Places:
    """A checkout in which `quick` has been composed."""
    monkeypatch.chdir(tmp_path)
    for name in ("NORMBENCH_STORE", "NORMBENCH_OPTUNA"):
        monkeypatch.delenv(name, raising=False)
    places = Places("quick")
    places.reports.mkdir(parents=True)
    places.plan.write_text(yaml.safe_dump(runs.plan.plain()))
    return places


@pytest.fixture
def nobody_there(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def test_before_the_sweep_the_command_to_run_first_is_named(places):
    with pytest.raises(Refusal, match=r"studies\.jsonl is missing; run: normbench sweep quick"):
        mirror.run("quick")


def test_what_does_not_exist_yet_is_empty(places, runs):
    write_answers(places.studies, runs.swept)
    found = mirror.snapshot("quick")
    assert found.swept == runs.swept
    assert (found.confirmed, dict(found.clocks)) == ((), {})
    assert (dict(found.manifests), dict(found.models)) == ({}, {})
    assert dict(found.pages) == {"config.yaml": places.plan}
    assert dict(found.figures) == {}


def test_everything_that_exists_is_taken(places, runs):
    write_answers(places.studies, runs.swept)
    write_answers(places.confirmed, runs.confirmed)
    chart = places.reports / "charts" / "effects.svg"
    for file in (places.model(STUDY), chart):
        file.parent.mkdir(parents=True)
        file.write_text("whatever")
    manifest = arrays.write(SOURCE, SPLIT, "mnist_5k", places.arrays / "mnist_5k")
    first = runs.swept[0]
    clock = Clock(started=100.0, wall_seconds=2.0, commit="", dirty="", host="there")
    Store.open().put(first.trial, first.result, clock)
    found = mirror.snapshot("quick")
    assert found.confirmed == runs.confirmed
    assert found.clocks == {first.key: clock}
    assert found.manifests == {"mnist_5k": manifest}
    assert found.examples == {"mnist_5k": places.dataset("mnist_5k") / "validation_images.npy"}
    assert found.models == {STUDY: places.model(STUDY)}
    assert found.pages == {"config.yaml": places.plan, "charts/effects.svg": chart}


def test_headline_figures_are_taken_by_dotted_names_and_those_that_are_not_known_left_out(
    places, runs
):
    write_answers(places.studies, runs.swept)
    nested = {"claims": {"T1": {"verdict": "supported", "effect": 0.5, "high": None}}}
    places.metrics.write_text(json.dumps(nested))
    found = mirror.snapshot("quick")
    assert found.figures == {"claims.T1.verdict": "supported", "claims.T1.effect": 0.5}
    assert found.pages["metrics.json"] == places.metrics


@pytest.mark.parametrize("text", ["{", "[]", '{"claims": [1]}', "0.5"])
def test_damaged_figures_are_refused(places, runs, text):
    write_answers(places.studies, runs.swept)
    places.metrics.write_text(text)
    with pytest.raises(Refusal, match=r"metrics\.json is damaged; run: normbench analyze quick"):
        mirror.snapshot("quick")


def test_while_a_stage_runs_its_answers_stand_in_for_the_sealed_ones_beside_all_else(places, runs):
    write_answers(places.studies, runs.swept)
    write_answers(places.confirmed, runs.confirmed)
    first = next(answer for answer in runs.confirmed if answer.study == STUDY)
    old = places.model(STUDY)
    old.parent.mkdir(parents=True)
    old.write_text("of an earlier winner")
    store = Store.open()
    store.put_model(first.trial, lambda file: file.write_text("the winner's"))
    found = mirror.snapshot("quick", swept=runs.swept[:3])
    assert (found.swept, found.confirmed) == (runs.swept[:3], runs.confirmed)
    found = mirror.snapshot("quick", confirmed=runs.confirmed[:0])
    assert (found.swept, found.confirmed, dict(found.models)) == (runs.swept, (), {})
    assert mirror.snapshot("quick").models == {STUDY: store.model(first.key)}


def test_a_stage_goes_on_when_mlflow_is_down_and_the_command_does_not(
    places, runs, nobody_there, capsys
):
    write_answers(places.studies, runs.swept)
    trials = len(runs.swept)
    warned = mirror.mirror_report("quick")
    assert warned.startswith("warning: not mirrored, catch up with `normbench mirror quick`: MLf")
    with pytest.raises(Refusal, match=r"^MLflow at .*, run normbench mirror quick again$"):
        mirror.run("quick")
    assert capsys.readouterr().out == f"Optuna quick: {trials} trials written; 0 already right\n"


def test_when_no_mirror_can_be_written_each_one_is_named(places, runs, nobody_there, monkeypatch):
    write_answers(places.studies, runs.swept)
    monkeypatch.setenv("NORMBENCH_OPTUNA", "sqlite:////proc/nowhere/optuna.db")
    with pytest.raises(Refusal, match=r"^MLflow at .*; Optuna at .*normbench mirror quick again$"):
        mirror.run("quick")


def test_a_stage_goes_on_when_a_file_is_missing(places):
    line = mirror.mirror_report("quick")
    assert line.startswith("warning: not mirrored: artifacts/quick/studies.jsonl is missing; run: ")
