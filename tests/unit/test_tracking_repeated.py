"""Stages repeated, in whatever order: MLflow holds the same to the letter after each of them.

Two studies of the made-up answers in fake_answers.py, sealed on disk, and what
each stage would hand to its mirrors.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from fake_answers import fake_runs

from pipeline.execution.store import Clock, Store
from pipeline.records import Answer
from pipeline.stages.files import write_answers
from pipeline.stages.mirror import snapshot
from pipeline.stages.places import Places
from pipeline.tracking.connection import connected
from pipeline.tracking.entries import entries
from pipeline.tracking.live import LiveMirror
from pipeline.tracking.mirror import MlflowMirror

KEPT = ("tuned/mnist_5k/mlp/adam/batch", "tuned/mnist_5k/mlp/adam/none")
TRIALS = 4
PLACES = Places("quick")

# MLflow's own: it uses what SQLAlchemy is about to remove, and type hints it warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


class Stages:
    """Sweep, confirm and mirror, as far as MLflow sees them."""

    def __init__(self) -> None:
        runs = fake_runs(seeds=(101, 102))
        studies = {
            key: study.model_copy(
                update={"design": study.design.model_copy(update={"trials": TRIALS})}
            )
            for key, study in runs.plan.studies.items()
            if study.name in KEPT
        }
        plan = runs.plan.model_copy(update={"studies": studies})
        self.swept = [one for one in runs.swept if one.study in KEPT and one.index < TRIALS]
        self.confirmed = [one for one in runs.confirmed if one.study in KEPT]
        PLACES.reports.mkdir(parents=True)
        PLACES.plan.write_text(yaml.safe_dump(plan.plain()))
        arrays = PLACES.dataset("mnist_5k")
        arrays.mkdir(parents=True)
        (arrays / "manifest.json").write_text(json.dumps(runs.manifests["mnist_5k"].plain()))
        store = Store.open()
        for number, answer in enumerate((*self.swept, *self.confirmed)):
            clock = Clock(started=number, wall_seconds=2.5, commit="", dirty="", host="here")
            store.put(answer.trial, answer.result, clock)
        for answer in self.confirmed:
            if answer.index == 0:
                store.put_model(answer.trial, lambda file: file.write_bytes(b"weights"))

    def sweep(self, *, cleared: bool = False) -> None:
        """Sweep; DVC clears a stage's output before it runs."""
        if cleared:
            PLACES.studies.unlink(missing_ok=True)
        self._carry_out(self.swept, PLACES.studies, lambda found: snapshot("quick", swept=found))

    def confirm(self, *, cleared: bool = False) -> None:
        """Confirm the winners."""
        if cleared:
            PLACES.confirmed.unlink(missing_ok=True)
        self._carry_out(
            self.confirmed, PLACES.confirmed, lambda found: snapshot("quick", confirmed=found)
        )

    def mirror(self) -> None:
        """`normbench mirror quick`."""
        MlflowMirror()(snapshot("quick"))

    def _carry_out(self, answers: Sequence[Answer], file: Path, known: Callable) -> None:
        passes = []

        def mirror(seen):
            passes.append(len(seen.swept) + len(seen.confirmed))
            return own(seen)

        own = MlflowMirror()
        live = LiveMirror("quick", known, {"MLflow": mirror}, interval=0.01)
        for answer in answers[:3]:
            live.put(answer)
        while not passes:
            time.sleep(0.01)
        for answer in answers[3:]:
            live.put(answer)
        write_answers(file, answers)
        (line,) = live.finish(60)
        assert not line.startswith("warning")


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A database with MLflow's tables."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
        with connected():
            return file


@pytest.fixture
def stages(empty, tmp_path, monkeypatch) -> Stages:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(empty, tmp_path / "mlflow.db")
    monkeypatch.delenv("NORMBENCH_STORE", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return Stages()


def held(*, ids: bool) -> dict[str, object]:
    """All that MLflow holds, by its runs' names: with every id and time, or without them."""
    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/quick").experiment_id
        runs = client.search_runs([experiment], max_results=1000)
        names = {run.info.run_id: run.data.tags["normbench.run"] for run in runs}
        assert len(set(names.values())) == len(runs) == 2 * (1 + TRIALS + 1 + 2) + 1
        found: dict[str, object] = {}
        for run in runs:
            history = {
                name: [
                    (each.step, each.value, *([each.timestamp] if ids else []))
                    for each in client.get_metric_history(run.info.run_id, name)
                ]
                for name in run.data.metrics
            }
            tags = dict(run.data.tags)
            parent = tags.pop("mlflow.parentRunId", "")
            where = (run.info.run_id, parent) if ids else names.get(parent)
            inputs = [each.dataset.digest for each in run.inputs.dataset_inputs]
            found[names[run.info.run_id]] = (
                where,
                run.info.status,
                run.data.params,
                tags,
                history,
                inputs,
            )
        champions = [(each.name, each.aliases) for each in client.search_registered_models()]
        assert len(champions) == 2
    return {**found, "champions": champions}


def test_after_each_repeated_stage_ids_metrics_and_nesting_are_the_same_to_the_letter(stages):
    stages.sweep()
    stages.confirm()
    before = held(ids=True)
    for again in (stages.sweep, stages.sweep, stages.mirror, stages.mirror, stages.confirm):
        again()
        assert held(ids=True) == before


def test_neither_does_a_stage_whose_output_was_cleared_before_it_ran_change_anything(stages):
    stages.sweep()
    stages.confirm()
    before = held(ids=True)
    stages.sweep(cleared=True)
    assert held(ids=True) == before
    stages.confirm(cleared=True)
    assert held(ids=True) == before


def test_every_stage_describes_the_same(stages):
    write_answers(PLACES.studies, stages.swept)
    write_answers(PLACES.confirmed, stages.confirmed)
    whole = entries(snapshot("quick"))
    assert entries(snapshot("quick", swept=stages.swept)) == whole
    assert entries(snapshot("quick", confirmed=stages.confirmed)) == whole
    assert len(whole) == 2 * (1 + TRIALS + 1 + 2) + 1


def test_a_database_that_was_deleted_comes_back_with_the_same_content(
    stages, tmp_path, monkeypatch
):
    stages.sweep()
    stages.confirm()
    before = held(ids=False)
    # another address, because MLflow keeps connections by address in one process
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'again.db'}")
    stages.mirror()
    assert held(ids=False) == before
