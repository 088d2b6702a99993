"""Sweeps as jobs of a real Slurm: the digest of `local`, whoever is killed meanwhile."""

import hashlib
import signal
import stat
import subprocess
import time

import psutil
import pytest
from booted import Slurm, of_job, wait
from checkout import Checkout
from tiny import PROFILE, checked_out

pytestmark = pytest.mark.slow
JOBS = "slurm jobs=2 memory=1GB interface=lo"
TRIALS = 20


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    """The digest of the same sweep on this machine."""
    checkout = checked_out(tmp_path_factory.mktemp("local") / "checkout")
    print(checkout.pipeline("sweep", PROFILE, "--cluster", "local workers=1"))
    return digest(checkout)


def digest(checkout: Checkout) -> str:
    sealed = checkout.root / "artifacts" / PROFILE / "studies.jsonl"
    return hashlib.sha256(sealed.read_bytes()).hexdigest()


def stored(checkout: Checkout) -> int:
    return len(list((checkout.root / "store").glob("*/*.json")))


def swept(checkout: Checkout, *words: str, code: int = 0) -> str:
    return checkout.pipeline("sweep", PROFILE, "--cluster", " ".join([JOBS, *words]), code=code)


def sweeping(checkout: Checkout, *words: str) -> subprocess.Popen[str]:
    return checkout.start_pipeline("sweep", PROFILE, "--cluster", " ".join([JOBS, *words]))


def told(process: subprocess.Popen[str], code: int = 0) -> str:
    said, _ = process.communicate(timeout=240)
    print(said)
    assert process.returncode == code, said
    return said


def nothing_is_left(slurm: Slurm, checkout: Checkout) -> None:
    wait(lambda: slurm.jobs(state="") == [], 30)
    assert [each.name for each in (checkout.root / "artifacts" / "jobs").iterdir()] == ["logs"]


def test_jobs_give_the_digest_of_this_machine(slurm, checkout, expected):
    said = swept(checkout)
    print(said)
    assert digest(checkout) == expected
    assert "20 of them trained now" in said
    assert "Traceback" not in said
    nothing_is_left(slurm, checkout)


def test_cancelled_jobs_dead_nodes_and_a_killed_coordinator_change_nothing(
    slurm, checkout, expected
):
    process = sweeping(checkout)
    wait(lambda: stored(checkout) >= 2, 60)
    cancelled = slurm.jobs()[0]
    slurm.run("scancel", cancelled)
    wait(lambda: of_job(cancelled) == [], 3)  # at once, whatever it trained

    wait(lambda: stored(checkout) >= 5 and slurm.jobs("n1"), 60)
    slurm.kill_node("n1")
    time.sleep(3)  # for the sweep to notice, which looks each second
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    print(said)
    assert "its worker was called away by its queue; it starts again" in said
    assert "its worker died; it starts again" in said
    assert "Traceback" not in said
    assert stored(checkout) < TRIALS
    wait(lambda: not [each for each in slurm.jobs() if of_job(each)], 10)  # no scheduler, no work

    assert "Traceback" not in told(sweeping(checkout))
    assert digest(checkout) == expected
    slurm.start_node("n1")
    wait(lambda: slurm.ready() == 3, 60, slurm.story)
    nothing_is_left(slurm, checkout)


def test_workers_end_between_trials_when_they_are_old(slurm, checkout, expected):
    before = int(slurm.run("scontrol", "show", "config").partition("NEXT_JOB_ID")[2].split()[1])
    said = swept(checkout, "jobs=1", "lifetime_seconds=5", "stagger_seconds=0")
    after = int(slurm.run("scontrol", "show", "config").partition("NEXT_JOB_ID")[2].split()[1])
    print(said)
    assert after - before > 1
    assert "starts again" not in said
    assert digest(checkout) == expected


def test_walltime_in_the_middle_of_a_trial_costs_it_no_retry(slurm, checkout):
    """Slurm's shortest walltime is a minute, looked at every half: most of it is slept away."""
    checkout.edit(f"conf/profile/{PROFILE}.yaml", "epochs=12", "epochs=250")
    checkout.pipeline("compose", PROFILE)
    slept = ("jobs=1", "walltime=00:01:00", "lifetime_seconds=null", "'prologue=[sleep 45]'")
    said = swept(checkout, *slept)
    print(said)
    logs = [each.read_text() for each in (checkout.root / "artifacts/jobs/logs").glob("*.err")]
    assert [text for text in logs if "DUE TO TIME LIMIT" in text]
    assert "its worker was called away by its queue; it starts again" in said
    assert "its worker died" not in said


def test_what_waits_in_the_queue_trains_the_code_it_was_started_with(slurm, checkout, expected):
    slurm.run("scontrol", "update", "nodename=n[1-3]", "state=drain", "reason=test")
    try:
        process = sweeping(checkout, "patience_seconds=2")
        wait(lambda: slurm.jobs(state="PENDING"), 60)
        for name in ("engine.py", "metrics.py", "determinism.py"):
            (checkout.root / "pipeline" / "training" / name).write_text("raise SystemExit(3)\n")
        time.sleep(5)
    finally:
        slurm.run("scontrol", "update", "nodename=n[1-3]", "state=resume")
    said = told(process)
    assert "no job's worker has come for 2 s (the queue: 1 PENDING " in said
    assert digest(checkout) == expected


def test_nothing_listens_beyond_loopback_and_keys_are_ours_alone(slurm, checkout):
    process = sweeping(checkout)
    wait(lambda: stored(checkout) >= 1, 60)
    [run] = (checkout.root / "artifacts" / "jobs").glob("normbench-workers-*")
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    keys = sorted(run.glob("*.pem"))
    assert len(keys) == 3
    assert {stat.S_IMODE(each.stat().st_mode) for each in keys} == {0o600}
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    family += [each for number in slurm.jobs() for each in of_job(number)]
    sockets = [each for process in family for each in process.net_connections(kind="inet")]
    listening = [each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN]
    process.send_signal(signal.SIGTERM)
    assert "interrupted" in told(process, code=130)
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}
    nothing_is_left(slurm, checkout)


def test_what_the_queue_refuses_is_told_in_one_line(slurm, checkout):
    said = swept(checkout, "queue=nowhere", code=2)
    print(said)
    last = said.strip().splitlines()[-1]
    assert last.startswith("normbench sweep: cluster: the queue takes no job: sbatch: error:")
    assert "Traceback" not in said
    nothing_is_left(slurm, checkout)


def test_jobs_that_end_before_their_workers_come_are_told_with_their_logs(slurm, checkout):
    said = swept(checkout, "'prologue=[echo no such module, exit 1]'", code=2)
    print(said)
    last = said.strip().splitlines()[-1]
    assert "jobs ended before their workers came" in last
    assert f"{checkout.root}/artifacts/jobs/logs may say why" in last
    logs = [each.read_text() for each in (checkout.root / "artifacts/jobs/logs").glob("*.out")]
    assert "no such module\n" in logs
