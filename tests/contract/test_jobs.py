"""Workers that are jobs: submitted, replaced, called away, and gone with their sweep."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest
from fake_queue import FakeQueue
from questions import study
from simulated import Silence, digest, searches
from test_pool import expected, quick

from pipeline.configuration.cluster import compose_cluster
from pipeline.errors import Refusal
from pipeline.execution import job_crew
from pipeline.execution.dask_jobs import queue_class, queued
from pipeline.execution.loop import run
from pipeline.execution.store import Store

CONF = Path("conf")


@pytest.fixture
def queue(tmp_path, monkeypatch, request):
    kind = getattr(request, "param", "slurm")
    fake = FakeQueue(tmp_path / "queue", kind)
    monkeypatch.setenv("PATH", f"{fake.programs}{os.pathsep}{os.environ['PATH']}")
    tests = [Path.cwd(), *(Path("tests", name).resolve() for name in ("contract", "unit"))]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, tests)))
    monkeypatch.setattr(job_crew, "LOOK_SECONDS", 0.5)
    yield fake
    fake.end()


def opened(tmp_path: Path, job, name: str = "slurm", **changes):
    """The pool that a file of conf/cluster says, on loopback, its values changed."""
    cluster = compose_cluster(CONF, f"{name} jobs=2 interface=lo")
    given = dict(cluster.pool.arguments) | {"folder": str(tmp_path / "jobs")} | changes
    return queued(Store(tmp_path / "store"), cluster.limits, job=job, **given)


def swept(tmp_path: Path, job, name: str = "slurm", trials: int = 12, **changes):
    store, queues = Store(tmp_path / "store"), searches(study(lag=4, trials=trials))
    watch = Told()
    failures = run(queues, lambda: opened(tmp_path, job, name, **changes), store, watch)
    assert failures == []
    return queues, watch


class Told(Silence):
    """Keeps why trials started again."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def lost(self, loss):
        self.losses.append(loss.reason)


@pytest.mark.parametrize(
    ("name", "queue"), [("slurm", "slurm"), ("pbs", "pbs")], indirect=["queue"]
)
def test_jobs_of_each_queue_give_the_digest_of_one_process(name, queue, tmp_path):
    queues, watch = swept(tmp_path, quick, name)
    assert digest(queues) == expected()
    assert watch.losses == []
    assert queue.running() == []
    assert [each.name for each in (tmp_path / "jobs").iterdir()] == ["logs"]


@pytest.mark.parametrize(
    ("name", "queue", "lines"),
    [
        (
            "slurm",
            "slurm",
            ["#SBATCH -p short", "#SBATCH -t 01:00:00", "#SBATCH --mem=2G", "#SBATCH --no-requeue"],
        ),
        (
            "pbs",
            "pbs",
            ["#PBS -q short", "#PBS -l walltime=01:00:00", "#PBS -l select=1:ncpus=1:mem=1908MB"],
        ),
    ],
    indirect=["queue"],
)
def test_each_queues_script_says_what_was_asked(name, queue, lines, tmp_path):
    pool = opened(tmp_path, quick, name, queue="short", prologue=["module load x || true"])
    try:
        while not pool.free():
            pool.done(0.1)
        [script, *_] = queue.scripts()
        [run_folder] = (tmp_path / "jobs").glob("normbench-workers-*")
        keys = sorted(run_folder.glob("*.pem"))
        modes = {stat.S_IMODE(each.stat().st_mode) for each in keys}
    finally:
        pool.close()
    assert [line for line in lines if line not in script] == []
    own = script.index("module load x || true\n")
    assert own < script.index(f"export PYTHONPATH={run_folder}/code:")
    command = script.strip().splitlines()[-1]
    assert command.startswith("exec ")
    assert "--no-nanny" in command
    assert f"--tls-key {run_folder}/tls_client_key.pem" in command
    assert (len(keys), modes) == (3, {0o600})


def called(task, store, limits):
    """Is called away by its queue the first four times that trial 1 is asked."""
    marks = store.root / "marks"
    marks.mkdir(exist_ok=True)
    if task.index == 1 and (count := len(list(marks.iterdir()))) < 4:
        (marks / str(count)).touch()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    return quick(task, store, limits)


def test_a_trial_whose_worker_is_called_away_four_times_has_lost_no_retry(queue, tmp_path):
    queues, watch = swept(tmp_path, called, trials=4, jobs=1)
    assert watch.losses == ["its worker was called away by its queue"] * 4
    assert len(queues[0].answers()) == 4


def killed_once(task, store, limits):
    mark = store.root / "killed.mark"
    if task.index == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(task, store, limits)


def test_a_job_that_dies_is_replaced_and_its_trial_has_lost_a_retry(queue, tmp_path):
    queues, watch = swept(tmp_path, killed_once, jobs=1)
    assert watch.losses == ["its worker died"]
    assert digest(queues) == expected()
    assert len(queue.scripts()) == 2


def slow(task, store, limits):
    time.sleep(0.3)
    return quick(task, store, limits)


def test_a_worker_that_is_old_ends_between_trials_and_another_comes(queue, tmp_path):
    queues, watch = swept(tmp_path, slow, jobs=1, lifetime_seconds=2.0, stagger_seconds=0.0)
    assert watch.losses == []
    assert digest(queues) == expected()
    assert len(queue.scripts()) >= 2


def test_a_queue_that_takes_no_job_is_told_in_its_own_words(queue, tmp_path):
    queue.refuse("sbatch: error: Batch job submission failed: Invalid account\n")
    with pytest.raises(Refusal) as refused:
        swept(tmp_path, quick)
    assert str(refused.value) == (
        "cluster: the queue takes no job: sbatch: error: Batch job submission failed: "
        "Invalid account; what is finished is kept, the same command goes on"
    )
    assert [each.name for each in (tmp_path / "jobs").iterdir()] == ["logs"]


def test_jobs_that_end_before_their_workers_come_are_not_waited_for(queue, tmp_path):
    with pytest.raises(Refusal, match=r"^cluster: \d jobs ended before their workers came"):
        swept(tmp_path, quick, prologue=["exit 1"])


def test_a_queue_that_is_not_here_is_told_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refusal, match=r"^cluster slurm: there is no sbatch on the PATH; run this"):
        queue_class("slurm")
    with pytest.raises(Refusal, match=r"knows no 'slurn'; did you mean 'slurm'"):
        queue_class("slurn")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"jobs": 0}, "cluster.jobs must be at least 1, got 0"),
        ({"host": "192.0.2.1"}, "cluster.host=192.0.2.1: is no address of this machine"),
        ({"host": "nosuch.invalid"}, "cluster.host=nosuch.invalid: is no address of this machine"),
        ({"folder": "a b"}, "has blanks or signs that a job's script cannot name"),
        ({"stagger_seconds": 3000.0}, "cluster.stagger_seconds must be from 0 to below"),
        ({"more": ["job cpu"]}, "cluster.more: 'job cpu' is not name=value"),
        ({"more": ["no_such=1"]}, "cluster slurm: "),
        ({"interface": "none0"}, "cluster slurm: "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(changes, says, queue, tmp_path):
    with pytest.raises(Refusal) as refused:
        opened(tmp_path, quick, **changes)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "store").glob(".seen-*")) == []
