"""The mirror in a real MLflow on one fresh SQLite database; the tests build on one another.

Two studies of the made-up answers in fake_answers.py: 2 x (1 study + 4 trials
+ 1 winner + 2 seeds) + 1 report = 17 runs.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_answers import fake_runs

from pipeline.records import Result
from pipeline.tracking.connection import connected, tracking_uri
from pipeline.tracking.mirror import mirror
from pipeline.tracking.optuna_mirror import mirror_studies
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.snapshot import Snapshot

BATCH, PLAIN = "tuned/mnist_5k/mlp/adam/batch", "tuned/mnist_5k/mlp/adam/none"
RUNS = 17

# MLflow's own: it uses what SQLAlchemy is about to remove, and type hints it warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty checkout, with MLflow in its default places."""
    folder = tmp_path_factory.mktemp("checkout")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


@pytest.fixture(scope="module")
def whole(folder) -> Snapshot:
    runs = fake_runs(seeds=(101, 102))
    kept = {BATCH, PLAIN}
    model = folder / "batch.keras"
    model.write_bytes(b"weights")
    page = folder / "report.md"
    page.write_text("# The first")
    studies = {key: study for key, study in runs.plan.studies.items() if study.name in kept}
    return Snapshot(
        plan=runs.plan.model_copy(update={"studies": studies}),
        swept=tuple(one for one in runs.swept if one.study in kept and one.index < 4),
        confirmed=tuple(one for one in runs.confirmed if one.study in kept),
        clocks={},
        manifests=runs.manifests,
        models={BATCH: model},
        pages={"pages/report.md": page},
        figures={"claims.T3 adam.effect": 0.5, "claims.T3.verdict": "supported"},
    )


@pytest.fixture(scope="module")
def mirrored(whole) -> Snapshot:
    assert mirror(whole).written == RUNS
    return whole


def found(kind: str, study: str = "") -> list:
    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/quick").experiment_id
        filters = f"tags.`normbench.kind` = '{kind}'"
        filters += f" AND tags.`normbench.study` = '{study}'" if study else ""
        return list(client.search_runs([experiment], filters))


def only(kind: str, study: str = ""):
    (run,) = found(kind, study)
    return run


def counts(snapshot: Snapshot) -> tuple[int, int, int, int]:
    done = mirror(snapshot)
    return done.written, done.refreshed, done.removed, done.moved


def test_mirroring_again_changes_nothing(mirrored):
    again = mirror(mirrored)
    assert (again.written, again.refreshed, again.removed, again.moved) == (0, 0, 0, 0)
    assert again.unchanged == RUNS


def test_trials_hang_below_their_study_and_seeds_below_their_winner(mirrored):
    study, winner = only("study", BATCH), only("winner", BATCH)
    parents = [run.data.tags["mlflow.parentRunId"] for run in found("trial", BATCH)]
    assert parents == [study.info.run_id] * 4
    assert winner.data.tags["mlflow.parentRunId"] == study.info.run_id
    parents = [run.data.tags["mlflow.parentRunId"] for run in found("seed", BATCH)]
    assert parents == [winner.info.run_id] * 2


def test_a_curve_is_a_series_over_epochs(mirrored):
    answer = mirrored.swept[0]
    run = next(run for run in found("trial", PLAIN) if run.data.tags["normbench.index"] == "0")
    with connected() as client:
        history = client.get_metric_history(run.info.run_id, "training_loss")
    curve = answer.result.curves["training_loss"]
    assert [(one.step, one.value) for one in history] == list(enumerate(curve, start=1))
    assert run.data.metrics["validation_score"] == answer.result.metrics["validation_score"]


def test_the_dataset_stands_beside_each_run_with_digest_source_and_split(mirrored):
    manifest = mirrored.manifests["mnist_5k"]
    for kind, split in (("trial", "validation"), ("seed", "test")):
        (used,) = found(kind, BATCH)[0].inputs.dataset_inputs
        assert used.dataset.name == "mnist_5k"
        assert manifest.digest.startswith(used.dataset.digest)
        assert json.loads(used.dataset.source) == {"uri": manifest.source}
        assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", split)]


def test_a_winners_model_is_ready_and_whole_without_tensorflow(mirrored):
    (output,) = only("winner", BATCH).outputs.model_outputs
    with connected() as client:
        model = client.get_logged_model(output.model_id)
    assert (model.name, str(model.status)) == ("tuned-mnist_5k-mlp-adam-batch", "READY")
    home = Path(model.artifact_location.removeprefix("file://"))
    assert (home / "data" / "model.keras").read_bytes() == b"weights"
    assert "keras_version: 3.15.1" in (home / "MLmodel").read_text()
    assert "tensorflow==2.21.0" in (home / "requirements.txt").read_text()


def test_artifacts_lie_in_mlartifacts_and_nowhere_else(mirrored, folder):
    report = only("report")
    page = folder / "mlartifacts" / "quick" / report.info.run_id / "artifacts/pages/report.md"
    assert page.read_text() == "# The first"
    names = {path.name for path in folder.iterdir()}
    assert names == {"mlflow.db", "mlflow.db.lock", "mlartifacts", "batch.keras", "report.md"}


def test_a_half_written_and_a_double_run_are_mended(mirrored):
    first, second = found("trial", BATCH)[:2]
    with connected() as client:
        client.update_run(first.info.run_id, status="RUNNING")
        double = client.create_run(second.info.experiment_id, tags=second.data.tags)
        client.set_terminated(double.info.run_id)
    assert counts(mirrored) == (1, 0, 2, 0)
    assert len(found("trial", BATCH)) == 4
    assert counts(mirrored) == (0, 0, 0, 0)


def test_a_run_of_somebody_else_is_left_alone(mirrored):
    experiment = only("study", BATCH).info.experiment_id
    with connected() as client:
        own = client.create_run(experiment, run_name="by hand")  # and left running
    assert counts(mirrored) == (0, 0, 0, 0)
    with connected() as client:
        assert client.get_run(own.info.run_id).info.lifecycle_stage == "active"
        client.delete_run(own.info.run_id)


def test_a_deleted_study_comes_back_and_its_children_hang_below_it(mirrored):
    with connected() as client:
        client.delete_run(only("study", PLAIN).info.run_id)
    assert counts(mirrored) == (1, 0, 0, 5)  # 4 trials and the winner
    study = only("study", PLAIN).info.run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in found("trial", PLAIN)} == {study}


def test_a_winner_that_was_replaced_takes_its_model_along(mirrored, folder):
    other = folder / "batch.keras"
    other.write_bytes(b"other weights")
    assert counts(mirrored) == (1, 0, 1, 2)  # the winner; its two seeds move
    winner = only("winner", BATCH)
    with connected() as client:
        (model,) = client.search_logged_models([winner.info.experiment_id])
    assert model.source_run_id == winner.info.run_id


def test_while_it_is_being_confirmed_a_winner_has_no_model_and_its_means_move_on(mirrored):
    one = tuple(answer for answer in mirrored.confirmed if answer.index < 1)
    known = only("winner", BATCH).info.run_id
    partial = replace(mirrored, confirmed=one, models={}, pages={})
    mirror(partial)
    begun = only("winner", BATCH)
    assert (begun.info.run_id != known, begun.outputs.model_outputs) == (True, [])
    mirror(replace(partial, confirmed=mirrored.confirmed))
    assert only("winner", BATCH).info.run_id == begun.info.run_id
    mirror(mirrored)
    (output,) = only("winner", BATCH).outputs.model_outputs
    assert output.model_id
    assert counts(mirrored) == (0, 0, 0, 0)


def test_a_changed_page_replaces_the_report(mirrored, folder):
    (folder / "report.md").write_text("# The second")
    assert counts(mirrored) == (1, 0, 1, 0)
    assert counts(mirrored) == (0, 0, 0, 0)


def test_a_changed_figure_is_refreshed_in_place_and_a_changed_verdict_replaces_the_report(mirrored):
    before = only("report")
    assert before.data.metrics == {"claims.T3 adam.effect": 0.5}
    moved = replace(mirrored, figures=mirrored.figures | {"claims.T3 adam.effect": 0.25})
    assert counts(moved) == (0, 1, 0, 0)
    assert counts(moved) == (0, 0, 0, 0)
    after = only("report")
    assert after.info.run_id == before.info.run_id
    assert after.data.metrics == {"claims.T3 adam.effect": 0.25}
    refuted = replace(moved, figures=moved.figures | {"claims.T3.verdict": "refuted"})
    assert counts(refuted) == (1, 0, 1, 0)
    assert only("report").data.tags["claims.T3.verdict"] == "refuted"
    assert counts(mirrored) == (1, 0, 1, 0)


def test_more_answers_refresh_their_study_and_leave_the_rest_alone(mirrored):
    last = mirrored.swept[-1]
    metrics = {**last.result.metrics, "validation_score": 1.0}
    trial = last.trial.model_copy(update={"seed": 99})
    result = Result.parse({**last.result.plain(), "metrics": metrics})
    better = last.model_copy(
        update={"index": 4, "trial": trial, "key": trial.key, "result": result}
    )
    before = only("study", last.study)
    assert counts(replace(mirrored, swept=(*mirrored.swept, better))) == (1, 1, 0, 0)
    after = only("study", last.study)
    assert after.info.run_id == before.info.run_id
    assert (after.data.metrics["trials"], after.data.metrics["validation_score"]) == (5.0, 1.0)


def test_runs_of_an_earlier_plan_are_left_alone_and_said(mirrored):
    line = str(mirror(mirrored))  # without the fifth trial of the test before
    assert "1 refreshed, 1 others left alone" in line
    assert len(found("trial", mirrored.swept[-1].study)) == 5


def test_a_deleted_experiment_is_restored(mirrored):
    with connected() as client:
        client.delete_experiment(only("report").info.experiment_id)
    mirror(mirrored)
    assert len(found("report")) == 1
    assert counts(mirrored) == (0, 0, 0, 0)


def test_a_server_that_is_down_is_named_without_its_password(whole, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://someone:secret@127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MirrorUnreachable) as outage:
        mirror(whole)
    assert str(outage.value).startswith(f"MLflow at http://127.0.0.1:{port}: ")
    assert "secret" not in str(outage.value)
    assert "\n" not in str(outage.value)


def test_a_database_that_is_not_one_is_named(whole, tmp_path, monkeypatch):
    broken = tmp_path / "mlflow.db"
    broken.write_text("not a database, " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{broken}")
    with pytest.raises(MirrorUnreachable, match=r"mlflow\.db.*not a database"):
        mirror(whole)


def test_a_mistake_of_ours_is_not_taken_for_an_outage(whole):
    with pytest.raises(FileNotFoundError):
        mirror(replace(whole, pages={"report.md": Path("was never written")}))
    with pytest.raises(ZeroDivisionError), connected():
        raise ZeroDivisionError


def test_without_the_environment_variable_runs_go_to_the_current_folder(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert tracking_uri() == "http://there:5000"


def test_mlflow_and_tensorflow_are_not_imported_before_a_mirror_is_asked_for():
    code = "import sys, pipeline.tracking.mirror; print(*{'mlflow', 'keras'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_database_of_another_program_is_refused(whole, tmp_path, monkeypatch):
    database = tmp_path / "optuna.db"
    monkeypatch.setenv("NORMBENCH_OPTUNA", f"sqlite:///{database}")
    mirror_studies(whole)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    with pytest.raises(MirrorUnreachable, match=r"optuna\.db: Can't locate revision"):
        mirror(whole)
