"""A run is written by a process of its own, which leaves nothing behind and hides no mistake."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pipeline.tracking import beside
from pipeline.tracking.beside import WriterBeside
from pipeline.tracking.connection import connected
from pipeline.tracking.entry import Entry

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def entry(name: str, **more) -> Entry:
    return Entry(
        name=name, title=f"title of {name}", parent="", params={}, points=(), tags={}, **more
    )


@pytest.fixture
def mlflow_here(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("MLFLOW_ARTIFACT_URI", str(tmp_path / "artifacts"))
    monkeypatch.chdir(tmp_path)


def test_runs_are_written_one_after_the_other(mlflow_here):
    with WriterBeside() as writer:
        told = [writer.write(entry(name)) for name in ("run a", "run b")]
    assert told == [f"MLflow normbench/train: title of run {name}" for name in ("a", "b")]

    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/train")
        assert len(client.search_runs([experiment.experiment_id])) == 2


def test_an_outage_is_a_warning(mlflow_here, monkeypatch, tmp_path):
    (tmp_path / "folder").write_text("in the way")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/folder/runs.db")
    with WriterBeside() as writer:
        told = writer.write(entry("run a"))
    assert told.startswith("warning: not in MLflow, train again once it is back: ")


def test_a_mistake_is_raised_where_it_is_seen(mlflow_here):
    with WriterBeside() as writer, pytest.raises(Exception, match=r"\bstr\b"):
        writer.write(entry("run a", clocks=["no clock"]))


def test_a_process_that_was_ended_is_told(mlflow_here):
    with WriterBeside() as writer:
        os.kill(writer._process.pid, signal.SIGKILL)
        assert writer.write(entry("run a")) == f"warning: {beside.ENDED}"


def test_it_ends_at_once_where_training_fails(mlflow_here):
    with pytest.raises(KeyboardInterrupt), WriterBeside() as writer:
        raise KeyboardInterrupt
    assert not writer._process.is_alive()


def test_it_ends_with_the_process_that_started_it(tmp_path):
    script = tmp_path / "started.py"
    script.write_text(
        "import os, signal\n"
        "from pipeline.tracking.beside import WriterBeside\n"
        "if __name__ == '__main__':\n"
        "    with WriterBeside() as writer:\n"
        "        print(writer._process.pid, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while runs(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not runs(int(done.stdout))


def runs(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
