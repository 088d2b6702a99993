"""The mirror in a real MLflow on one fresh SQLite database; the tests build on one another.

Two studies of the made-up answers in fake_answers.py: 2 x (1 study + 4 trials
+ 1 winner + 2 seeds) + 1 report = 17 runs.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_answers import fake_runs

from pipeline.errors import Refusal
from pipeline.records import Manifest
from pipeline.tracking import mirror as mirror_module
from pipeline.tracking.connection import check_address, connected, tracking_uri
from pipeline.tracking.entries import entries
from pipeline.tracking.entry import Entry
from pipeline.tracking.mirror import MlflowMirror, write_report
from pipeline.tracking.mirrors import usable_mirrors
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
    np.save(folder / "examples.npy", np.full((3, 28, 28, 1), 2, np.uint8))
    studies = {
        key: study.model_copy(update={"design": study.design.model_copy(update={"trials": 4})})
        for key, study in runs.plan.studies.items()
        if study.name in kept
    }
    return Snapshot(
        plan=runs.plan.model_copy(update={"studies": studies}),
        swept=tuple(one for one in runs.swept if one.study in kept and one.index < 4),
        confirmed=tuple(one for one in runs.confirmed if one.study in kept),
        clocks={},
        manifests=runs.manifests,
        examples={"mnist_5k": folder / "examples.npy"},
        models={BATCH: model},
        pages={"pages/report.md": page},
        figures={"claims.T3 adam.effect": 0.5, "claims.T3.verdict": "supported"},
    )


def mirror(snapshot: Snapshot) -> MlflowMirror:
    """One stage's pass over MLflow, and what it did."""
    stage = MlflowMirror()
    stage.said = stage(snapshot)
    return stage


@pytest.fixture(scope="module")
def mirrored(whole) -> Snapshot:
    assert len(mirror(whole).written) == RUNS
    return whole


@pytest.fixture
def another(whole, tmp_path, monkeypatch) -> Snapshot:
    """The same in a database of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'another.db'}")
    monkeypatch.chdir(tmp_path)
    return whole


def found(kind: str, study: str = "") -> list:
    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/quick").experiment_id
        filters = f"tags.`normbench.kind` = '{kind}'"
        filters += f" AND tags.`normbench.run` LIKE '{kind} {study}%'" if study else ""
        return list(client.search_runs([experiment], filters))


def only(kind: str, study: str = ""):
    (run,) = found(kind, study)
    return run


def counts(snapshot: Snapshot) -> tuple[int, int, int]:
    done = mirror(snapshot)
    return len(done.written), len(done.updated), done.doubles


def content() -> dict[str, object]:
    """Everything that MLflow holds of the profile, by the ids of runs."""
    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/quick").experiment_id
        models = client.search_logged_models([experiment])
        held = {
            "models": sorted((each.model_id, str(each.status)) for each in models),
            "registered": [(each.name, each.aliases) for each in client.search_registered_models()],
        }
        for run in client.search_runs([experiment], max_results=1000):
            history = {
                name: [(each.step, each.value, each.timestamp) for each in
                       client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            }  # fmt: skip
            held[run.info.run_id] = (run.data.tags, run.data.params, history, run.info.status)
    return held


def read_again() -> None:
    """Let the next pass look at every run, though nobody has written since."""
    Path("mlflow.db.right.json").unlink(missing_ok=True)


def test_mirroring_again_changes_nothing_whether_runs_are_read_or_known_to_be_untouched(mirrored):
    before = content()
    for prepare in (read_again, lambda: None):
        prepare()
        again = mirror(mirrored)
        assert again.said == f"MLflow normbench/quick: 0 runs written; {RUNS} already right"
        assert content() == before


def test_a_mirror_that_goes_on_describes_single_answers_once(another, monkeypatch):
    described: list[int] = []

    def entries_of(snapshot: Snapshot, but: Collection[str]) -> tuple[Entry, ...]:
        found = entries(snapshot, but)
        described.append(sum(entry.settled for entry in found))
        return found

    monkeypatch.setattr(mirror_module, "entries", entries_of)
    going = MlflowMirror()
    half = replace(another, swept=another.swept[:5], confirmed=())
    done = f"MLflow normbench/quick: {RUNS} runs written; 0 already right"
    going(half)
    assert (going(another), going(another), described) == (done, done, [5, 7, 0])
    before = content()
    Path("another.db.right.json").unlink()
    mirror(another)  # somebody else writes: nothing that is remembered is sure any more
    going(another)
    assert (described[3:], content()) == ([12, 12], before)


def test_the_pages_alone_are_mirrored_without_the_rest(another):
    said = [write_report(another), write_report(another)]
    said.append(write_report(replace(another, figures={"claims.T3 adam.effect": 0.7})))
    place = "MLflow normbench/quick: report"
    assert said == [f"{place} written", f"{place} already right", f"{place} updated"]
    assert (len(found("report")), found("trial")) == (1, [])


def test_a_stage_that_knows_less_changes_nothing_in_what_the_others_know(mirrored):
    """A sweep again, and again, from its first answers on; a confirmation; with nothing there."""
    before = content()
    for known in (
        replace(mirrored, swept=mirrored.swept[:1]),
        replace(mirrored, confirmed=(), models={}, pages={}, figures={}),
        replace(mirrored, confirmed=mirrored.confirmed[:1], models={}),
        replace(mirrored, swept=(), confirmed=(), models={}, manifests={}, examples={}),
    ):
        mirror(known)
        mirror(mirrored)
    assert content() == before


def test_trials_hang_below_their_study_and_seeds_below_their_winner(mirrored):
    study, winner = only("study", BATCH), only("winner", BATCH)
    parents = [run.data.tags["mlflow.parentRunId"] for run in found("trial", BATCH)]
    assert parents == [study.info.run_id] * 4
    assert winner.data.tags["mlflow.parentRunId"] == study.info.run_id
    parents = [run.data.tags["mlflow.parentRunId"] for run in found("seed", BATCH)]
    assert parents == [winner.info.run_id] * 2


def test_a_curve_is_a_series_over_epochs(mirrored):
    answer = mirrored.swept[0]
    run = next(
        run for run in found("trial", PLAIN) if run.data.tags["normbench.run"].split()[2] == "0"
    )
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
    assert (model.name, str(model.status)) == ("quick-tuned-mnist_5k-mlp-adam-batch", "READY")
    home = Path(model.artifact_location.removeprefix("file://"))
    assert (home / "data" / "model.keras").read_bytes() == b"weights"
    beside = json.loads((home / "data" / "model.json").read_text())
    assert Manifest.parse(beside) == mirrored.manifests["mnist_5k"]
    assert "keras_version: 3.15.1" in (home / "MLmodel").read_text()
    assert "tensorflow==2.21.0" in (home / "requirements.txt").read_text()


def test_a_model_has_an_example_of_what_it_takes_scaled_as_it_sees_it(mirrored):
    from mlflow.models import Model

    (output,) = only("winner", BATCH).outputs.model_outputs
    with connected() as client:
        home = client.get_logged_model(output.model_id).artifact_location
    example = Model.load(home).load_input_example(home)
    assert (example.shape, example.dtype) == ((1, 28, 28, 1), np.float32)
    assert set(example.ravel()) == {np.float32(2 * mirrored.manifests["mnist_5k"].scale)}


def test_a_winners_model_is_the_champion_of_its_registered_model(mirrored):
    (output,) = only("winner", BATCH).outputs.model_outputs
    with connected() as client:
        (registered,) = client.search_registered_models()
        champion = client.get_model_version_by_alias(registered.name, "champion")
        assert registered.name == "quick-tuned-mnist_5k-mlp-adam-batch"
        assert champion.source == f"models:/{output.model_id}"
        client.delete_registered_model(registered.name)
    mirror(mirrored)
    with connected() as client:
        again = client.get_model_version_by_alias(registered.name, "champion")
    assert again.source == f"models:/{output.model_id}"


def test_a_store_without_a_registry_costs_a_warning_and_nothing_else(mirrored, monkeypatch):
    from mlflow import MlflowClient, MlflowException

    def refuse(*_: object) -> None:
        raise MlflowException("no registry here")

    monkeypatch.setattr(MlflowClient, "search_registered_models", refuse)
    read_again()
    told = mirror(mirrored).said.splitlines()
    assert told == [
        f"MLflow normbench/quick: 0 runs written; {RUNS} already right",
        "warning: models are not registered: MLflow at sqlite:///mlflow.db: no registry here",
    ]


def test_runs_say_who_wrote_them_and_parents_what_they_ask(mirrored):
    for kind in ("study", "winner", "report"):
        tags = found(kind)[0].data.tags
        assert {"mlflow.user", "mlflow.note.content", "mlflow.source.name"} <= {*tags}


def test_artifacts_lie_in_mlartifacts_and_nowhere_else(mirrored, folder):
    report = only("report")
    page = folder / "mlartifacts" / "quick" / report.info.run_id / "artifacts/pages/report.md"
    assert page.read_text() == "# The first"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "mlflow.db",
        "mlflow.db.lock",
        "mlflow.db.right.json",
        "mlartifacts",
        "batch.keras",
        "report.md",
        "examples.npy",
    }


def test_half_written_runs_are_completed_in_place_and_doubles_deleted(mirrored):
    before = content()
    first, second = found("trial", BATCH)[:2]
    with connected() as client:
        client.update_run(first.info.run_id, status="RUNNING")
        client.delete_tag(first.info.run_id, "normbench.status")
        double = client.create_run(second.info.experiment_id, tags=second.data.tags)
    assert counts(mirrored) == (0, 1, 1)
    assert content() == before
    with connected() as client:
        assert client.get_run(double.info.run_id).info.lifecycle_stage == "deleted"


def test_a_run_of_somebody_else_is_left_alone(mirrored):
    experiment = only("study", BATCH).info.experiment_id
    with connected() as client:
        own = client.create_run(experiment, run_name="by hand")  # and left running
    assert counts(mirrored) == (0, 0, 0)
    with connected() as client:
        assert client.get_run(own.info.run_id).info.lifecycle_stage == "active"
        client.delete_run(own.info.run_id)


def test_a_deleted_study_comes_back_and_its_children_hang_below_it(mirrored):
    with connected() as client:
        client.delete_run(only("study", PLAIN).info.run_id)
    assert counts(mirrored) == (1, 5, 0)  # 4 trials and the winner move
    study = only("study", PLAIN).info.run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in found("trial", PLAIN)} == {study}
    assert counts(mirrored) == (0, 0, 0)


def test_a_changed_model_is_a_new_version_of_the_same_run_and_the_champion(mirrored, folder):
    before = only("winner", BATCH)
    (folder / "batch.keras").write_bytes(b"other weights")
    assert counts(mirrored) == (0, 1, 0)
    after = only("winner", BATCH)
    assert after.info.run_id == before.info.run_id
    with connected() as client:
        (registered,) = client.search_registered_models()
        champion = client.get_model_version_by_alias(registered.name, "champion")
    assert (int(champion.version), champion.run_id) == (2, after.info.run_id)
    assert counts(mirrored) == (0, 0, 0)


def test_while_it_is_being_confirmed_a_winner_runs_and_shows_no_mean(mirrored, another):
    one = tuple(answer for answer in another.confirmed if answer.index < 1)
    mirror(replace(another, confirmed=one, models={}, pages={}))
    begun = only("winner", BATCH)
    assert (begun.info.status, begun.data.metrics) == ("RUNNING", {})
    mirror(another)
    whole = only("winner", BATCH)
    assert (whole.info.status, whole.info.run_id) == ("FINISHED", begun.info.run_id)
    assert whole.outputs.model_outputs
    assert counts(another) == (0, 0, 0)


def test_changed_pages_and_figures_go_into_the_same_report(mirrored, folder):
    before = only("report")
    (folder / "report.md").write_text("# The second")
    figures = {"claims.T3 adam.effect": 0.25, "claims.T3.verdict": "refuted"}
    moved = replace(mirrored, figures=figures)
    assert counts(moved) == (0, 1, 0)
    assert counts(moved) == (0, 0, 0)
    after = only("report")
    assert after.info.run_id == before.info.run_id
    assert after.data.metrics == {"whole.claims.T3 adam.effect": 0.25}
    assert after.data.tags["claims.T3.verdict"] == "refuted"
    page = folder / "mlartifacts" / "quick" / after.info.run_id / "artifacts/pages/report.md"
    assert page.read_text() == "# The second"
    assert counts(mirrored) == (0, 1, 0)
    assert only("report").data.metrics == {
        "whole.claims.T3 adam.effect": 0.5
    }  # back to an old value


def test_a_study_asked_differently_is_another_run_and_the_earlier_one_is_left_alone(mirrored):
    before = content()
    name = next(key for key, each in mirrored.plan.studies.items() if each.name == PLAIN)
    study = mirrored.plan.studies[name]
    more = study.model_copy(update={"design": study.design.model_copy(update={"trials": 5})})
    studies = {**mirrored.plan.studies, name: more}
    longer = replace(mirrored, plan=mirrored.plan.model_copy(update={"studies": studies}))
    told = mirror(longer)
    assert (len(told.written), told.others) == (1, 1)
    assert "1 of earlier plans left alone" in told.said
    assert {run.info.status for run in found("study", PLAIN)} == {"FINISHED", "RUNNING"}
    assert mirror(mirrored).others == 1  # the trials are back below the first
    after = content()
    assert {run_id: after[run_id] for run_id in before} == before


def test_a_deleted_experiment_is_restored(mirrored):
    with connected() as client:
        client.delete_experiment(only("report").info.experiment_id)
    mirror(mirrored)
    assert len(found("report")) == 1
    assert counts(mirrored) == (0, 0, 0)


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


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mysql+pymysql", "mssql+pyodbc"])
def test_a_database_whose_driver_is_missing_is_named_before_anything_is_connected_to(
    whole, monkeypatch, scheme
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://me:secret@127.0.0.1:1/mlflow")
    with pytest.raises(MirrorUnreachable) as outage:
        check_address()
    assert str(outage.value).startswith(f"MLflow at {scheme}://127.0.0.1:1/mlflow: No module named")
    with pytest.raises(MirrorUnreachable, match="No module named"):
        mirror(whole)
    assert list(usable_mirrors("quick")) == ["Optuna"]


@pytest.mark.parametrize("uri", ["postgres://there/db", "htps://there", "sqlit:///mlflow.db"])
def test_an_address_that_mlflow_has_no_store_for_is_refused(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    scheme = uri.partition(":")[0]
    with pytest.raises(Refusal, match=f"MLflow has no store for '{scheme}'; did you mean"):
        usable_mirrors("quick")


@pytest.mark.parametrize(
    "uri", ["./mlruns", "file:///tmp/mlruns", "http://there:5000", "databricks"]
)
def test_addresses_of_other_stores_pass(monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert list(usable_mirrors("quick")) == ["MLflow", "Optuna"]


def test_a_plain_file_store_has_all_runs(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{tmp_path / 'mlruns'}")
    with pytest.raises(MirrorUnreachable, match="maintenance mode"):
        mirror(whole)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert len(mirror(whole).written) == RUNS
    assert counts(whole) == (0, 0, 0)


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
