"""A database that nobody has written since it was right is not read; any transaction is noticed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_answers import fake_runs

from pipeline.tracking.snapshot import Snapshot
from pipeline.tracking.untouched import noted, noting

RIGHT = {"quick": {"digest": "1"}}


@pytest.fixture
def database(tmp_path) -> Path:
    file = tmp_path / "some.db"
    write(file, "create table t (n integer)")
    return file


@pytest.fixture
def uri(database) -> str:
    note(f"sqlite:///{database}", RIGHT)
    return f"sqlite:///{database}"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> Snapshot:
    runs = fake_runs(seeds=(101, 102))
    page = tmp_path_factory.mktemp("pages") / "report.md"
    page.write_text("# The first")
    return Snapshot(
        plan=runs.plan,
        swept=runs.swept,
        confirmed=runs.confirmed,
        clocks={},
        manifests=runs.manifests,
        examples={},
        models={},
        pages={"report.md": page},
        figures={"claims.T3.effect": 0.5},
    )


def write(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()


def note(uri: str, right: dict) -> None:
    with noting(uri) as known:
        known.update(right)


def test_what_was_right_is_known_until_somebody_writes(database, uri):
    assert noted(uri) == RIGHT
    write(database, "insert into t values (1)")
    assert noted(uri) == {}


def test_a_transaction_is_noticed_that_leaves_size_and_time_as_they_were(database, uri):
    import os

    before = database.stat()
    write(database, "insert into t values (1)")
    os.utime(database, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert database.stat().st_size == before.st_size
    assert noted(uri) == {}


def test_a_write_ahead_log_is_noticed_before_it_reaches_the_database(database):
    write(database, "pragma journal_mode = wal")
    uri = f"sqlite:///{database}"
    note(uri, RIGHT)
    with sqlite3.connect(database) as connection:
        connection.execute("insert into t values (1)")
        connection.commit()
        assert noted(uri) == {}
    connection.close()


def test_a_writer_keeps_what_was_right_of_other_profiles(database, uri):
    with noting(uri) as known:
        write(database, "insert into t values (1)")
        known["maps"] = {"digest": "2"}
    assert noted(uri) == {**RIGHT, "maps": {"digest": "2"}}


def test_after_somebody_else_has_written_nothing_of_before_is_known(database, uri):
    write(database, "insert into t values (1)")
    note(uri, {"maps": {"digest": "2"}})
    assert noted(uri) == {"maps": {"digest": "2"}}


def test_a_writer_that_fails_leaves_nothing_to_be_believed(database, uri):
    def fail() -> None:
        with noting(uri) as known:
            known["maps"] = {"digest": "2"}
            write(database, "insert into t values (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert noted(uri) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"right": {}}', '{"looks": 1}', "\xff"])
def test_a_damaged_note_is_none(database, uri, text):
    database.with_name("some.db.right.json").write_text(text, encoding="latin-1")
    assert noted(uri) == {}


@pytest.mark.parametrize("address", ["http://there:5000", "sqlite:///missing.db", "sqlite://"])
def test_a_server_and_a_database_that_is_not_there_have_no_note(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    note(address, RIGHT)
    assert noted(address) == {}
    assert list(tmp_path.iterdir()) == []


def test_another_answer_or_model_changes_the_digest_of_answers(snapshot, tmp_path):
    before = snapshot.digests()
    first = snapshot.swept[0]
    result = first.result.model_copy(update={"metrics": {**first.result.metrics, "more": 1.0}})
    model = tmp_path / "some.keras"
    model.write_bytes(b"weights")
    changed = [
        replace(snapshot, swept=snapshot.swept[1:]),
        replace(snapshot, confirmed=()),
        replace(snapshot, swept=(first.model_copy(update={"result": result}), *snapshot.swept[1:])),
        replace(snapshot, models={"some": model}),
        replace(snapshot, plan=snapshot.plan.model_copy(update={"studies_digest": "0" * 64})),
    ]
    found = [each.digests()["answers"] for each in changed]
    assert len({before["answers"], *found}) == 1 + len(changed)


def test_other_pages_and_figures_change_the_digest_of_pages_alone(snapshot):
    before = snapshot.digests()
    [page] = snapshot.pages.values()
    page.write_text("# The second")
    assert snapshot.digests()["pages"] != before["pages"]
    page.write_text("# The first")
    assert snapshot.digests() == before
    found = replace(snapshot, figures={"claims.T3.effect": 0.6}).digests()
    assert found["pages"] != before["pages"]
    assert found["answers"] == before["answers"]


def test_the_order_of_a_results_figures_is_no_part_of_the_digest(snapshot):
    first = snapshot.swept[0]
    metrics = dict(reversed(first.result.metrics.items()))
    result = first.result.model_copy(update={"metrics": metrics})
    turned = first.model_copy(update={"result": result})
    assert replace(snapshot, swept=(turned, *snapshot.swept[1:])).digests() == snapshot.digests()


MIRROR = """
import pickle, sys
from pipeline.tracking.mirrors import mirror_everywhere
done = mirror_everywhere(pickle.load(sys.stdin.buffer))
assert not done.outages, done.outages
print(*done.done, sep="\\n")
print("mlflow" in sys.modules, "sqlalchemy" in sys.modules)
"""


def test_a_second_process_imports_neither_mlflow_nor_sqlalchemy(snapshot, tmp_path, monkeypatch):
    import pickle

    few = replace(snapshot, swept=snapshot.swept[:3], confirmed=())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("NORMBENCH_OPTUNA", f"sqlite:///{tmp_path}/optuna.db")
    command = [sys.executable, "-c", MIRROR]
    said = []
    for _ in range(2):
        done = subprocess.run(command, input=pickle.dumps(few), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said.append(done.stdout.decode().splitlines())
    assert said[0][-1] == "True True"
    assert said[1][-1] == "False False"
    runs = said[0][0].removeprefix("MLflow normbench/quick: ").split()[0]
    assert said[1][0] == f"MLflow normbench/quick: 0 runs written; {runs} already right"
    assert said[1][1] == "Optuna quick: 0 trials written; 3 already right"
