"""Worker processes: retried when they die, ended when over their limits, gone with their sweep."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from distributed import Client
from questions import study
from simulated import HERE, Silence, designed, digest, score, searches

from pipeline.configuration.cluster import compose_cluster, fitting
from pipeline.errors import Refusal
from pipeline.execution import dask_clusters, dask_pool
from pipeline.execution.dask_clusters import address, local
from pipeline.execution.dask_pool import carry_out
from pipeline.execution.loop import run
from pipeline.execution.pool import Inline
from pipeline.execution.scratch import Scratch
from pipeline.execution.sight import Sight, missed
from pipeline.execution.store import Clock, Store
from pipeline.execution.task import Lost
from pipeline.studies import Limits

CLOCK = Clock(started=1.0, wall_seconds=1.0, commit="", dirty="", host="")
UNLIMITED = Limits(wall_seconds=None, memory_bytes=None)
assert HERE


def quick(task, store, limits):
    """Answers at once."""
    found = score(task.trial)
    store.put(task.trial, found, CLOCK)
    return found


def deadly(task, store, limits):
    """Kills its worker on trial 1, every time."""
    if task.index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(task, store, limits)


def fragile(task, store, limits):
    """Kills its worker the first time it is asked anything, one time in three."""
    mark = store.root / f"{task.trial.key[:8]}.mark"
    if not mark.exists():
        mark.write_text("")
        if random.Random(task.trial.key).random() < 0.3:
            os.kill(os.getpid(), signal.SIGKILL)
    return quick(task, store, limits)


def swept(tmp_path: Path, job, workers: int = 2, limits: Limits = UNLIMITED, trials: int = 12):
    store, queues, watch = Store(tmp_path), searches(study(lag=4, trials=trials)), Silence()
    failures = run(queues, lambda: local(store, limits, workers=workers, job=job), store, watch)
    return queues, failures


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_give_the_digest_of_one_process(tmp_path, workers):
    queues, failures = swept(tmp_path, quick, workers=workers)
    assert failures == []
    assert digest(queues) == expected()


def expected() -> str:
    from simulated import MemoryStore, SimulatedPool

    store, queues = MemoryStore(), searches(study(lag=4))
    run(queues, lambda: SimulatedPool(store, 1, random.Random(0)), store, Silence())
    return digest(queues)


def test_trials_survive_the_death_of_their_workers(tmp_path):
    queues, failures = swept(tmp_path, fragile)
    assert failures == []
    assert digest(queues) == expected()


def test_a_trial_that_kills_four_workers_is_given_up_and_the_rest_goes_on(tmp_path):
    _, failures = swept(tmp_path, deadly, trials=4)
    assert [(each.task.index, each.reason) for each in failures] == [
        (1, "its worker died, 4 times in a row")
    ]


def test_a_trial_that_waited_at_a_worker_that_died_was_not_begun(tmp_path):
    """One that always kills its worker takes none along, however many wait behind it."""
    store, watch = Store(tmp_path), Silence()
    queues = searches(designed("sobol", lag=12, trials=12))
    failures = run(queues, lambda: local(store, UNLIMITED, workers=1, job=deadly), store, watch)
    assert [each.task.index for each in failures] == [1]
    reasons = {each.reason for each in watch.losses}
    assert reasons == {"its worker died", f"its worker died {dask_pool.AHEAD}"}
    assert {each.task.index for each in watch.losses if each.reason == "its worker died"} == {1}


def overstaying(task, store, limits):
    """Answers, says which process did, and does not return."""
    found = named(task, store, limits)
    time.sleep(60)
    return found


def test_a_death_after_an_answer_is_the_next_trial_s(tmp_path):
    """What is over is read from the store; the one that waited behind it had begun."""
    first, second = searches(study(lag=2, trials=2))[0].ready()
    with contextlib.closing(local(Store(tmp_path), UNLIMITED, workers=1, job=overstaying)) as pool:
        while not (free := pool.free()):
            time.sleep(0.1)
        pool.submit(first, free[0])
        pool.submit(second, free[0])
        while not (tmp_path / "pid").exists() or pool._store.get(first.trial) is None:
            time.sleep(0.01)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        done = []
        while len(done) < 2:
            done += pool.done(1.0)
    assert [each.outcome for each in done] == [score(first.trial), Lost(second, "its worker died")]


def named(task, store, limits):
    """Answers, and says which process did."""
    (store.root / "pid").write_text(str(os.getpid()))
    return quick(task, store, limits)


@pytest.mark.parametrize("keeps", [False, True])
def test_an_answer_that_its_worker_took_along_is_read_from_the_store(tmp_path, keeps):
    """The worker dies when the trial is over, before anybody fetched what came of it."""
    (task,) = searches(study(lag=1, trials=1))[0].ready()
    task = replace(task, keep_model=keeps)
    with contextlib.closing(local(Store(tmp_path), UNLIMITED, workers=1, job=named)) as pool:
        while not (free := pool.free()):
            time.sleep(0.1)
        pool.submit(task, free[0])
        (future,) = pool._futures.values()
        while future.status != "finished":
            time.sleep(0.01)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        started = time.monotonic()
        (done,) = pool.done(1.0)
        assert time.monotonic() - started < 30
    assert done.outcome == (Lost(task, "its worker died") if keeps else score(task.trial))


def hungry(task, store, limits):
    """Takes what it can get, within limits that are watched."""
    from pipeline.execution import dask_pool

    dask_pool.attempted = lambda task, store: [bytearray(10**7) for _ in range(10**5)]
    return carry_out(task, store, limits)


def endless(task, store, limits):
    from pipeline.execution import dask_pool

    dask_pool.attempted = lambda task, store: time.sleep(60)
    return carry_out(task, store, limits)


@pytest.mark.parametrize(
    ("job", "limits", "reason"),
    [
        (endless, Limits(wall_seconds=0.3, memory_bytes=None), "over its limit of 0.3 s"),
        (hungry, Limits(wall_seconds=None, memory_bytes=600_000_000), "over its limit of 600 MB"),
    ],
)
def test_a_trial_over_its_limit_is_given_up_with_the_reason(tmp_path, job, limits, reason):
    _, (failure,) = swept(tmp_path, job, workers=1, limits=limits, trials=1)
    assert reason in failure.reason
    assert "4 times in a row" in failure.reason
    assert not list(tmp_path.rglob("*.ended"))


def test_a_worker_that_dies_while_it_starts_is_started_again(tmp_path):
    seen = {each.pid for each in psutil.Process().children(recursive=True)}

    def killer():
        while not killed:
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if child.pid not in seen and "spawn_main" in " ".join(child.cmdline()):
                        child.kill()
                        killed.append(child.pid)
                        break

    killed: list[int] = []
    thread = threading.Thread(target=killer)
    thread.start()
    pool = local(Store(tmp_path), UNLIMITED, workers=2)
    thread.join()
    assert len(pool.free()) == 2
    assert len(killed) == 1
    pool.close()


def test_a_worker_whose_restart_fails_is_replaced(tmp_path):
    pool = local(Store(tmp_path), UNLIMITED, workers=1)
    seen: set[int] = set()
    deadline = time.monotonic() + 30
    while len(seen) < 4 and time.monotonic() < deadline:  # the worker, and those that follow
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.pid not in seen and "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    seen.add(child.pid)
        pool.done(0.01)
    while not pool.free() and time.monotonic() < deadline:
        pool.done(0.2)
    assert len(pool.free()) == 1
    pool.close()


def test_nothing_listens_beyond_this_machine(tmp_path):
    pool = local(Store(tmp_path), UNLIMITED, workers=1)
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    sockets = [each for process in family for each in process.net_connections(kind="inet")]
    listening = [each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN]
    pool.close()
    assert len(listening) > 2
    assert set(listening) == {"127.0.0.1"}


def test_a_pool_without_workers_is_refused(tmp_path):
    with pytest.raises(Refusal, match="at least 1"):
        local(Store(tmp_path), UNLIMITED, workers=0)


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ("slurm jobs=two", "cluster.jobs must be a whole number, .*got 'two'"),
        ("slurm directives='\"--qos=low\"'", "cluster.directives must be a list, got '--qos=low'"),
        ("slurm insecure=perhaps", "cluster.insecure must be true or false, .*got 'perhaps'"),
    ],
)
def test_a_value_of_another_kind_is_refused_before_anything_starts(cluster, said):
    with pytest.raises(Refusal, match=said):
        fitting(compose_cluster(Path("conf"), cluster))


NO_FILES = {"tls_ca_file": None, "tls_client_cert": None, "tls_client_key": None}
WAITING = {"patience_seconds": 120, "state": None}


def test_a_scheduler_that_nobody_is_behind_is_refused_in_one_line(tmp_path):
    nowhere = NO_FILES | WAITING
    with pytest.raises(Refusal, match=r"cluster\.address: tcp://127\.0\.0\.1:9"):
        address(
            Store(tmp_path), UNLIMITED, address="tcp://127.0.0.1:9", timeout_seconds=1, **nowhere
        )
    assert list(tmp_path.iterdir()) == []
    files = nowhere | {"tls_ca_file": "missing.pem"}
    with pytest.raises(Refusal, match=r"cluster\.tls_ca_file"):
        address(Store(tmp_path), UNLIMITED, address="tls://127.0.0.1:9", timeout_seconds=1, **files)


def waited_for(pool, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pool.done(0.1)


def test_a_scheduler_to_which_no_worker_comes_is_not_waited_for_for_ever(tmp_path):
    waiting = {"patience_seconds": 1.0, "state": "echo '7 PENDING'"}
    with scheduler() as (_, place):
        pool = address(
            Store(tmp_path), UNLIMITED, address=place, timeout_seconds=5, **NO_FILES, **waiting
        )
        try:
            with pytest.raises(Refusal) as refused:
                waited_for(pool, 20)
        finally:
            pool.close()
    assert str(refused.value) == (
        f"cluster: no worker has come to {place} for 1 s (the queue: 1 PENDING); "
        "what is finished is kept, the same command goes on"
    )


@pytest.fixture(scope="module")
def authorities(tmp_path_factory) -> dict[str, dict[str, str]]:
    """Two authorities, with a certificate and a key that each has signed itself."""
    folder, found = tmp_path_factory.mktemp("tls"), {}
    for name in ("ours", "theirs"):
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        asked = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
        subprocess.run(
            ["openssl", "req", *asked, "-keyout", key, "-out", certificate],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        found[name] = {
            "tls_ca_file": str(certificate),
            "tls_client_cert": str(certificate),
            "tls_client_key": str(key),
        }
    return found


CONNECT = """
import json, sys
from pathlib import Path
from pipeline.errors import Refusal
from pipeline.execution.dask_clusters import address
from pipeline.execution.store import Store
from pipeline.studies import Limits
try:
    limits = Limits(wall_seconds=None, memory_bytes=None)
    pool = address(Store(Path(sys.argv[1])), limits, timeout_seconds=5, **json.loads(sys.argv[2]))
    try:
        print("connected", flush=True)
        while True:
            pool.free()
            pool.done(0.2)
    finally:
        pool.close()
except Refusal as refusal:
    print(refusal, file=sys.stderr)
"""


@contextlib.contextmanager
def scheduler(files: dict[str, str] | None = None):
    """A scheduler of its own; yields its process and its address."""
    scheme = "tls" if files else "tcp"
    named = {"tls_ca_file": "--tls-ca-file", "tls_client_cert": "--tls-cert"}
    named["tls_client_key"] = "--tls-key"
    options = [word for name, file in (files or {}).items() for word in (named[name], file)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = f"{scheme}://127.0.0.1:{port}"
    run_dask = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard")
    here = ("--host", f"{scheme}://127.0.0.1", "--port", str(port))
    process = subprocess.Popen(
        [*run_dask, *here, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    try:
        yield process, place
    finally:
        process.kill()
        process.wait()


def connecting(store: Path, place: str, files: dict[str, str | None]) -> subprocess.Popen[str]:
    asked = json.dumps({"address": place} | files | WAITING)
    return subprocess.Popen(
        [sys.executable, "-c", CONNECT, str(store), asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_scheduler_that_dies_is_told_in_one_line_and_nothing_else(tmp_path):
    with scheduler() as (process, place):
        ours = connecting(tmp_path, place, NO_FILES)
        assert ours.stdout.readline() == "connected\n"
        process.kill()
        _, said = ours.communicate(timeout=60)
    assert said == (
        "the dask scheduler is out of reach; what is finished is kept, "
        "the same command goes on once it is back\n"
    )


def test_each_wrong_use_of_tls_is_told_in_one_line_and_nothing_else(tmp_path, authorities):
    ours, theirs = authorities["ours"], authorities["theirs"]
    with scheduler(ours) as (_, encrypted), scheduler() as (_, plain):
        spoken = encrypted.replace("tls", "tcp"), plain.replace("tcp", "tls")
        wrong = [
            (encrypted, theirs, "TLS certificate does not match"),
            (encrypted, NO_FILES, "cluster.tls_ca_file: is missing"),
            (encrypted, ours | {"tls_client_key": theirs["tls_client_key"]}, "go together"),
            (plain, ours, "is not encrypted, but cluster.tls_ca_file is given"),
            (spoken[0], NO_FILES, "cluster.address: tcp://"),
            (spoken[1], ours, "cluster.address: tls://"),
            ("http://127.0.0.1:1", NO_FILES, "begin it with tcp:// or tls://"),
        ]
        asked = [connecting(tmp_path, place, files) for place, files, _ in wrong]
        told = [each.communicate(timeout=120) for each in asked]
    for (_, _, reason), (out, said) in zip(wrong, told, strict=True):
        assert (out, len(said.splitlines())) == ("", 1), said
        assert reason in said
    assert list(tmp_path.iterdir()) == []


def blind(sight: Sight) -> str:
    """Stands in for `missed` on a worker of another machine: its store is another folder."""
    return missed(replace(sight, store=sight.store / "elsewhere"))


def test_a_worker_that_sees_another_store_is_named_and_gets_no_trial(tmp_path, monkeypatch, caplog):
    asked = []

    class Half(Client):
        def submit(self, job, *given, **how):
            if job is missed and not asked:
                asked.append(how["workers"][0])
                job = blind
            return super().submit(job, *given, **how)

    monkeypatch.setattr(dask_clusters, "Client", Half)
    store, queues = Store(tmp_path), searches(study(lag=4))
    failures = run(queues, lambda: local(store, UNLIMITED, workers=2, job=quick), store, Silence())
    assert failures == []
    (line,) = [each.getMessage() for each in caplog.records if each.name == "normbench"]
    assert line == f"worker {asked[0]} sees no store {tmp_path}/elsewhere; it gets no trial"
    assert digest(queues) == expected()
    assert len(store.keys()) == len(queues[0].answers())


def test_a_cluster_that_shares_no_folder_is_refused_before_the_first_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_pool, "missed", blind)
    store, queues = Store(tmp_path), searches(study(lag=4))
    with pytest.raises(Refusal, match=r"none of the 2 workers can work: .* sees no store"):
        run(queues, lambda: local(store, UNLIMITED, workers=2, job=quick), store, Silence())
    assert list(tmp_path.iterdir()) == []


def littering(task, store, limits):
    """Leaves a file in the temporary folder, as TensorFlow's autograph does."""
    tempfile.mkstemp("__autograph_generated_file.py")
    return quick(task, store, limits)


def test_what_workers_leave_in_their_temporary_folder_goes_with_them(tmp_path, monkeypatch):
    there = tmp_path / "tmp"
    there.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(there))
    queues, failures = swept(tmp_path / "store", littering, trials=3)
    assert (failures, len(queues[0].answers())) == ([], 3)
    assert list(there.iterdir()) == []


def test_the_temporary_folder_of_a_killed_sweep_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = Scratch()
    hold = "import time; from pipeline.execution.scratch import Scratch; s = Scratch(); "
    dead = subprocess.Popen(
        [sys.executable, "-c", hold + "print(s.folder, flush=True); time.sleep(60)"],
        env=os.environ | {"PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    left = Path(dead.stdout.readline().strip())
    dead.kill()
    dead.communicate()
    assert left.is_dir()
    Scratch().end()
    assert list(tmp_path.iterdir()) == [held.folder]
    held.end()


MODEL = {"target": "pipeline.models.mlp.build", "arguments": {}}
PARTS = {"model": MODEL, "norm": {"layer": None, "placement": "before"}}
ADAM = {"target": "keras.optimizers.Adam", "arguments": {"learning_rate": 0.1}}
SPACE = {"optimizer.learning_rate": {"low": 1e-4, "high": 0.1, "scale": "log", "points": None}}


def test_a_worker_of_another_kind_answers_nothing(tmp_path):
    store = Store(tmp_path)
    queues = searches(study(trials=2, lag=2, optimizer=ADAM, space=SPACE, **PARTS))
    with pytest.raises(Refusal, match=r"this worker's tensorflow is .*, but the sweep's is 1"):
        run(queues, lambda: Inline(store, UNLIMITED), store, Silence())


def test_an_exception_of_a_model_fails_its_trial_and_not_the_sweep(tmp_path, monkeypatch):
    from pipeline.execution import pool

    def broken(task, store):
        if task.index == 1:
            raise ValueError("no such\naxis")
        return quick(task, store, UNLIMITED)

    monkeypatch.setattr(pool, "work", broken)
    store = Store(tmp_path)
    queues = searches(study(trials=3, lag=3))
    (failure,) = run(queues, lambda: Inline(store, UNLIMITED), store, Silence())
    assert (failure.task.index, failure.reason) == (1, "ValueError: no such axis")
    assert [answer.index for answer in queues[0].answers()] == [0, 2]


def test_workers_end_with_a_coordinator_that_is_killed(tmp_path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pipeline.execution.dask_clusters import local\n"
        "from pipeline.execution.store import Store\n"
        "from pipeline.studies import Limits\n"
        "if __name__ == '__main__':\n"
        "    limits = Limits(wall_seconds=None, memory_bytes=None)\n"
        "    pool = local(Store(Path(sys.argv[1])), limits, workers=2)\n"
        "    print(len(pool.free()), flush=True)\n"
        "    time.sleep(60)\n"
    )
    file = tmp_path / "coordinator.py"
    file.write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(file), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        text=True,
    )
    assert process.stdout.readline() == "2\n"
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
