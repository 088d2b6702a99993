"""Scheduled runs by a real Slurm, and by Debian's cron: they begin by themselves and leave one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from booted import wait
from checkout import Checkout
from tiny import PROFILE

pytestmark = pytest.mark.slow
WORDS = (f"profile={PROFILE}", "cluster=local workers=1")
MINUTE = "* * * * *"


def kept(checkout: Checkout) -> list[Path]:
    return sorted((checkout.root / "artifacts/schedule" / PROFILE).glob("20*/analysis.json"))


def log(checkout: Checkout) -> str:
    file = checkout.root / "artifacts/schedule" / PROFILE / "log.txt"
    return file.read_text() if file.exists() else "no run has begun"


def test_a_job_of_slurm_runs_the_profile_and_comes_again(slurm, checkout):
    engine = ("--engine", "sbatch", "--directive=--time=10")
    for _ in range(2):
        print(checkout.pipeline("schedule", MINUTE, *WORDS, *engine))
    assert len(slurm.jobs(state="PENDING")) == 1
    wait(lambda: log(checkout).count("tiny: done in") >= 2, 280, lambda: log(checkout))
    print(log(checkout))
    assert len(kept(checkout)) >= 2
    assert "the first one" in log(checkout)
    assert "compare: the same to the last digit" in log(checkout)
    assert len(slurm.jobs(state="RUNNING")) <= 1
    print(checkout.pipeline("schedule", "list"))
    assert "taken from sbatch" in checkout.pipeline("schedule", "remove", PROFILE)
    wait(lambda: slurm.jobs(state="PENDING") == [], 10)
    wait(lambda: slurm.jobs(state="") == [], 120, lambda: log(checkout))


@pytest.fixture
def scrontab(tmp_path) -> Path:
    """The folder of Slurm's program for tables, which Debian 12 does not ship."""
    if shutil.which("scrontab") is None:
        script = Path(__file__).with_name("scrontab.sh")
        built = subprocess.run(
            [script, tmp_path / "bin" / "scrontab"], capture_output=True, text=True
        )
        assert built.returncode == 0, f"scrontab cannot be built: {built.stderr}"
    return tmp_path / "bin"


def test_an_entry_of_scrontab_runs_the_profile_on_jobs_of_slurm(
    slurm, scrontab, checkout, monkeypatch
):
    """The run is a job, and so are its workers."""
    monkeypatch.setenv("PATH", f"{scrontab}{os.pathsep}{os.environ['PATH']}")
    words = (f"profile={PROFILE}", "cluster=slurm jobs=2 memory=1GB interface=lo")
    for _ in range(2):
        checkout.pipeline("schedule", MINUTE, *words, "--engine", "scrontab")
    assert slurm.run("scrontab", "-l").count("run.sh") == 1
    wait(lambda: "tiny: done in" in log(checkout), 280, lambda: log(checkout))
    print(log(checkout))
    assert len(slurm.jobs(state="RUNNING")) <= 1
    checkout.pipeline("schedule", "remove", PROFILE)
    assert "run.sh" not in slurm.run("scrontab", "-l")
    wait(lambda: slurm.jobs(state="") == [], 120, lambda: log(checkout))


@pytest.fixture
def cron():
    """Debian's cron, running; the table of its user is as before afterwards."""
    if shutil.which("cron") is None:
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "cron"]
        done = subprocess.run(install, capture_output=True, text=True)
        assert done.returncode == 0, f"this test needs root and Debian's cron: {done.stderr}"
    before = subprocess.run(["crontab", "-l"], capture_output=True, text=True)
    process = subprocess.Popen(["cron", "-f"])
    yield process
    process.terminate()
    process.wait()
    command = ["crontab", "-"] if before.returncode == 0 else ["crontab", "-r"]
    subprocess.run(command, input=before.stdout, text=True, capture_output=True)


def test_cron_runs_the_profile_at_its_minute_and_not_beside_itself(cron, checkout):
    for _ in range(2):
        checkout.pipeline("schedule", MINUTE, *WORDS)
    table = subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout
    assert table.count("run.sh") == 1
    wait(lambda: "tiny: done in" in log(checkout), 240, lambda: log(checkout))
    print(log(checkout))
    assert log(checkout).count(f"{PROFILE}: {PROFILE} on local workers=1\n") == 1
    assert len(kept(checkout)) == 1
    assert "the first one" in log(checkout)
    checkout.pipeline("schedule", "remove", PROFILE)
    table = subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout
    assert str(checkout.root) not in table
