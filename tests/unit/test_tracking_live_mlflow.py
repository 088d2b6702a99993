"""Real mirrors that follow a sweep: servers that fail or hang, processes that end or are killed.

Eight trials of one study of the made-up answers in fake_answers.py: with the
study's own, nine runs.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fake_answers import fake_runs

from pipeline.tracking.connection import connected
from pipeline.tracking.live import LiveMirror
from pipeline.tracking.mirror import MlflowMirror
from pipeline.tracking.mirrors import all_mirrors
from pipeline.tracking.snapshot import Snapshot

STUDY = "tuned/mnist_5k/mlp/adam/batch"
TRIALS = 8
SOON = 60.0  # seconds; most of them MLflow's import and first migration

# MLflow's own: it uses what SQLAlchemy is about to remove.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

# Follows a sweep in which everything is known at once, until a file says that it is over.
FOLLOW = """
import os, pickle, sys, time
from dataclasses import replace
from pathlib import Path
from pipeline.tracking.live import LiveMirror
from pipeline.tracking.mirrors import all_mirrors

snapshot = pickle.load(sys.stdin.buffer)
follower = LiveMirror(
    "quick", lambda known: replace(snapshot, swept=tuple(known)), all_mirrors(), interval=0.01
)
for answer in snapshot.swept:
    follower.put(answer)
while not Path("over").exists():
    time.sleep(0.01)
print(*follower.finish(float(sys.argv[1])), sep="\\n", flush=True)
print(time.time(), flush=True)
"""

# Ends in the middle of the sixth run: killed, or hanging until its process is over.
HALFWAY = """
import os, sys, time
from pathlib import Path
from mlflow import MlflowClient
log_batch, calls = MlflowClient.log_batch, []
def halfway(self, *arguments, **named):
    calls.append(1)
    if len(calls) == 6:
        if sys.argv[2] == "killed":
            os.kill(os.getpid(), 9)
        Path("over").touch()
        time.sleep(600)
    return log_batch(self, *arguments, **named)
MlflowClient.log_batch = halfway
"""


@pytest.fixture(scope="module")
def whole() -> Snapshot:
    runs = fake_runs()
    studies = {
        key: study.model_copy(update={"design": study.design.model_copy(update={"trials": TRIALS})})
        for key, study in runs.plan.studies.items()
        if study.name == STUDY
    }
    return Snapshot(
        plan=runs.plan.model_copy(update={"studies": studies}),
        swept=tuple(one for one in runs.swept if one.study == STUDY and one.index < TRIALS),
        confirmed=(),
        clocks={},
        manifests=runs.manifests,
        examples={},
        models={},
        pages={},
        figures={},
    )


@pytest.fixture(scope="module")
def empty(whole, tmp_path_factory) -> Path:
    """A database with MLflow's tables and the study, and no trials."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
        mirror(replace(whole, swept=()))
    return file


@pytest.fixture
def checkout(empty, tmp_path, monkeypatch) -> Path:
    """A folder of its own, with MLflow and Optuna in their default places."""
    monkeypatch.delenv("NORMBENCH_OPTUNA", raising=False)
    shutil.copyfile(empty, tmp_path / "mlflow.db")
    # named in full: MLflow keeps connections by address, and other tests have other folders
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def serve(monkeypatch) -> Iterator[Callable[[Callable], threading.Event]]:
    """Make MLFLOW_TRACKING_URI a server that answers as told; gives what a request sets."""
    servers = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> threading.Event:
        asked = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.set()
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def follow(whole: Snapshot, interval: float = 0.01) -> LiveMirror:
    return LiveMirror(
        "quick", lambda known: replace(whole, swept=tuple(known)), all_mirrors(), interval=interval
    )


def mirror(snapshot: Snapshot) -> MlflowMirror:
    stage = MlflowMirror()
    stage(snapshot)
    return stage


def process(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def runs() -> list:
    with connected() as client:
        experiment = client.get_experiment_by_name("normbench/quick").experiment_id
        return list(client.search_runs([experiment], max_results=1000))


def is_right(whole: Snapshot) -> bool:
    """Whether there is one finished run per trial, and nothing else but the study's."""
    found = runs()
    keys = Counter(run.data.tags["normbench.run"].split()[-1] for run in found)
    wanted = Counter([answer.key for answer in whole.swept] + [STUDY])
    return keys == wanted and {run.info.status for run in found} == {"FINISHED"}


def test_trials_are_there_while_the_sweep_runs(checkout, whole):
    follower = follow(whole)
    for answer in whole.swept[:3]:
        follower.put(answer)
    deadline = time.monotonic() + SOON
    while len(runs()) < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(runs()) >= 4
    for answer in whole.swept[3:]:
        follower.put(answer)
    told, optuna = follower.finish(SOON)
    assert told == f"MLflow normbench/quick: {TRIALS} runs written, 1 updated; 0 already right"
    assert optuna == f"Optuna quick: {TRIALS} trials written; 0 already right"
    assert is_right(whole)
    again = mirror(whole)
    assert (again.written, again.updated, again.doubles) == (set(), set(), 0)


def test_a_server_that_answers_500_costs_a_warning_and_the_other_mirror_nothing(
    checkout, serve, whole
):
    asked = serve(lambda request: request.send_error(500, "out of order"))
    follower = follow(whole)
    for answer in whole.swept:
        follower.put(answer)
    assert asked.wait(SOON)
    told, optuna = follower.finish(SOON)
    assert told.startswith("warning: not mirrored, catch up with `normbench mirror quick`: MLflow")
    assert "500" in told
    assert "\n" not in told
    assert optuna == f"Optuna quick: {TRIALS} trials written; 0 already right"


def test_a_server_that_comes_back_is_caught_up_with(checkout, serve, whole, monkeypatch):
    database = os.environ["MLFLOW_TRACKING_URI"]
    asked = serve(lambda request: request.send_error(500, "out of order"))
    follower = follow(whole)
    follower.put(whole.swept[0])
    assert asked.wait(SOON)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    for answer in whole.swept[1:]:
        follower.put(answer)
    told = follower.finish(SOON)[0]
    assert f"{TRIALS} runs written" in told
    assert "out of reach" in told
    assert is_right(whole)


def test_a_server_that_hangs_holds_neither_the_end_of_the_sweep_nor_that_of_the_process(
    checkout, serve, whole
):
    asked = serve(lambda request: time.sleep(600))
    with process(FOLLOW, "0.5") as other:
        other.stdin.write(pickle.dumps(whole))
        other.stdin.close()
        assert asked.wait(SOON)
        (checkout / "over").touch()
        began = time.time()
        told = other.stdout.read().decode().splitlines()
        other.wait(SOON)
        ended = time.time()
    assert told[0] == (
        "warning: not mirrored, catch up with `normbench mirror quick`: "
        "MLflow was still being written"
    )
    assert float(told[-1]) - began < 5
    assert ended - began < 10
    assert other.returncode == 0


@pytest.mark.parametrize("end", ["killed", "over"])
def test_a_process_that_ends_in_the_middle_of_a_run_leaves_what_the_next_pass_mends(
    checkout, whole, end
):
    with process(HALFWAY + FOLLOW, "0", end) as other:
        other.stdin.write(pickle.dumps(whole))
        other.stdin.close()
        other.wait(SOON)
        errors = other.stderr.read().decode()
    assert (other.returncode, errors) == (-9 if end == "killed" else 0, "")
    left = {run.info.run_id for run in runs()}
    mended = mirror(whole)
    assert (len(mended.written), mended.doubles) == (TRIALS + 1 - len(left), 0)
    assert left <= {run.info.run_id for run in runs()}
    assert is_right(whole)
    again = mirror(whole)
    assert (again.written, again.updated, again.doubles) == (set(), set(), 0)


def test_a_process_that_is_killed_while_it_makes_the_database_leaves_none(
    checkout, whole, monkeypatch
):
    folder = checkout / "fresh"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    with process(FOLLOW, "0") as other:
        other.stdin.write(pickle.dumps(whole))
        other.stdin.close()
        deadline = time.monotonic() + SOON
        while not list(folder.glob("mlflow.db.new-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)  # among the migrations, which take seconds
        other.kill()
    assert not (folder / "mlflow.db").exists()
    assert len(mirror(whole).written) == TRIALS + 1
    assert is_right(whole)
    assert {file.name for file in folder.iterdir()} == {
        *("mlflow.db", "mlflow.db.lock", "mlflow.db.right.json")
    }


def test_two_processes_that_make_a_database_at_once_write_each_run_once(
    checkout, whole, monkeypatch
):
    fresh = f"sqlite:///{checkout / 'fresh.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fresh)
    (checkout / "over").touch()
    others = [process(FOLLOW, f"{SOON}") for _ in range(2)]
    for other in others:
        other.stdin.write(pickle.dumps(whole))
        other.stdin.close()
    for other in others:
        other.wait(2 * SOON)
        assert (other.returncode, other.stderr.read()) == (0, b"")
        told = other.stdout.read().decode()
        assert "MLflow normbench/quick: " in told or "left to process" in told
        other.stdout.close()
        other.stderr.close()
    assert is_right(whole)
