"""One process at a time writes a mirror; the others wait for a while, then leave it to that one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.tracking.one_writer import lock_file, one_writer
from pipeline.tracking.outage import MirrorUnreachable

HOLD = """
import sys, time
from pipeline.tracking.one_writer import one_writer
with one_writer("MLflow", sys.argv[1]):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def uri(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def test_the_second_writer_leaves_it_to_the_first_and_names_it(uri):
    with one_writer("MLflow", uri):
        began = time.monotonic()
        with pytest.raises(MirrorUnreachable) as outage, one_writer("MLflow", uri, 0.2):
            pytest.fail("two writers at once")
        assert 0.2 <= time.monotonic() - began < 5
    holder = f"process {os.getpid()} on {os.uname().nodename}"
    assert str(outage.value) == f"MLflow at {uri}: left to {holder}, which writes it"


def test_the_second_writer_has_its_turn_when_the_first_is_done(uri):
    order = []

    def first() -> None:
        with one_writer("MLflow", uri):
            holds.set()
            time.sleep(0.2)
            order.append("first")

    holds = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    holds.wait()
    with one_writer("MLflow", uri, 30):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_writer_is_told_whether_somebody_else_wrote_in_between(uri):
    turns = []
    for mark in ("one", "one", "other", "one", "", ""):
        with one_writer("MLflow", uri, mark=mark) as was_mine:
            turns.append(was_mine)
    assert turns == [False, True, False, False, False, False]


def test_a_killed_writer_holds_nothing(uri):
    with subprocess.Popen([sys.executable, "-c", HOLD, uri], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"holds\n"
        with (
            pytest.raises(MirrorUnreachable, match=f"process {other.pid}"),
            one_writer("M", uri, 0),
        ):
            pytest.fail("two writers at once")
        other.kill()
    with one_writer("MLflow", uri, 0):
        pass


def test_every_name_of_an_sqlite_file_has_one_lock_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beside = tmp_path / "mlflow.db.lock"
    assert lock_file("sqlite:///mlflow.db") == beside
    assert lock_file(f"sqlite:///{tmp_path}/mlflow.db") == beside
    assert lock_file(f"sqlite+pysqlite:///{tmp_path}/sub/../mlflow.db?timeout=1") == beside


def test_a_servers_lock_lies_on_this_machine_and_shows_no_password():
    one, other = lock_file("http://me:secret@there:5000"), lock_file("http://there:5001")
    assert one != other
    assert "secret" not in str(one)
    assert one.parent == Path("/tmp") or one.parent.is_dir()


def test_a_lock_that_cannot_be_made_is_an_outage(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MirrorUnreachable, match="Optuna at sqlite"),
        one_writer("Optuna", f"sqlite:///{tmp_path}/file/optuna.db"),
    ):
        pytest.fail("no lock was taken")
