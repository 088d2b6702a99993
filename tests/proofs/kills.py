"""Kill -9 whatever works on a sweep, again and again: the sealed digest stays the same.

    python tests/proofs/kills.py [--kills 20] [--seed 0] [--profile smoke]

Trains a profile for real: smoke, or uses (tests/proofs/uses.yaml: recurrence, transfer, control).
The victims: a worker, the coordinator (with
the nannies that live in it), `dvc` (which leaves an orphan), and the nanny of a
dask scheduler of one's own. After each death the same command is given again.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from checkout import PROFILE, Checkout

VICTIMS = ("worker", "coordinator", "dvc", "nanny")
PROFILES = {PROFILE: None, "uses": Path(__file__).with_name("uses.yaml")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", choices=PROFILES, default=PROFILE)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        return 0 if prove(Path(folder), asked.kills, rng, asked.profile) else 1


def prove(folder: Path, kills: int, rng: random.Random, profile: str = PROFILE) -> bool:
    """Return whether every way of working and dying gave one digest; say what happened."""
    checkout = Checkout(folder / "checkout", profile, NORMBENCH_CLUSTER="local")
    if (file := PROFILES[profile]) is not None:
        shutil.copyfile(file, checkout.root / "conf" / "profile" / file.name)
    checkout.run("dvc", "repro", f"prepare@{profile}")
    digests = {}
    for name in ("inline", "local workers=1", "local workers=2"):
        forget(checkout)
        checkout.run(*sweep_of(checkout), "--cluster", name)
        digests[name] = digest(checkout)
        say(f"{name:20} {digests[name]}")
    expected = digests["inline"]

    forget(checkout)
    done = 0
    while done < kills:
        victim = VICTIMS[done % len(VICTIMS)]
        died, told = KILLS[victim](checkout, rng)
        done += died
        if died:
            say(f"kill {done:2} {victim:12} {told}; {stored(checkout)} trials stored")
        else:
            say(f"        {victim:12} the sweep ended before the kill: {digest(checkout)}")
        if sealed(checkout):
            digests[f"after kill {done}"] = digest(checkout)
            forget(checkout)
    checkout.run(*sweep_of(checkout))
    digests["at the end"] = digest(checkout)
    say(f"{'at the end':20} {digests['at the end']}")

    checkout.run(sys.executable, "-m", "pipeline", "mirror", profile)
    again = checkout.run(sys.executable, "-m", "pipeline", "mirror", profile)
    say(again.strip())
    runs = mlflow_runs(checkout)
    say(f"MLflow: {runs}")
    same = set(digests.values()) == {expected}
    say(f"{len(digests)} sweeps, {done} kills: {'one digest' if same else 'DIGESTS DIFFER'}")
    return same and runs == {"FINISHED": described(checkout)} and " 0 runs written" in again


def sweep_of(checkout: Checkout) -> tuple[str, ...]:
    return (sys.executable, "-m", "pipeline", "sweep", checkout.profile)


def kill_worker(checkout: Checkout, rng: random.Random) -> tuple[bool, str]:
    """Kill a worker; the sweep goes on by itself."""
    sweep = checkout.start(*sweep_of(checkout), "--cluster", "local workers=2")
    victim = wait_for(lambda: workers_of(sweep.pid), sweep, rng)
    if victim is not None:
        os.kill(victim, signal.SIGKILL)
    said, _ = sweep.communicate()
    assert sweep.returncode == 0, said
    return victim is not None, "the sweep went on to its end"


def kill_coordinator(checkout: Checkout, rng: random.Random) -> tuple[bool, str]:
    """Kill the coordinator: its workers end with it."""
    sweep = checkout.start(*sweep_of(checkout), "--cluster", "local workers=2")
    victim = wait_for(lambda: [sweep.pid] if workers_of(sweep.pid) else [], sweep, rng)
    workers = workers_of(sweep.pid)
    if victim is not None:
        os.kill(victim, signal.SIGKILL)
    sweep.communicate()
    time.sleep(2)
    left = [pid for pid in workers if psutil.pid_exists(pid)]
    assert not left, f"workers {left} live on"
    return victim is not None, "its workers ended with it"


def kill_dvc(checkout: Checkout, rng: random.Random) -> tuple[bool, str]:
    """Kill dvc; the next one names the orphan, which is killed too."""
    command = ("dvc", "repro", "--force", "--single-item", f"sweep@{checkout.profile}")
    repro = checkout.start(*command)
    victim = wait_for(lambda: [repro.pid] if workers_below(repro.pid) else [], repro, rng)
    if victim is None:
        repro.communicate()
        return False, ""
    family = psutil.Process(repro.pid).children(recursive=True)
    os.kill(victim, signal.SIGKILL)
    repro.stdout.close()
    repro.wait()
    said = checkout.start(*command).communicate()[0]
    orphan = next((each.pid for each in family if f"held by process {each.pid}" in said), None)
    if orphan is None:
        assert sealed(checkout), said
        return True, "its orphan had just ended"
    os.kill(orphan, signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)
    return True, f"the next one named its orphan ({orphan}), which was killed too"


def kill_nanny(checkout: Checkout, rng: random.Random) -> tuple[bool, str]:
    """Kill a nanny of a scheduler that stands by itself: its worker ends, the other goes on."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard")
    here = ("--host", "127.0.0.1", "--port", str(port), "--dashboard-address", "127.0.0.1:0")
    with quiet(checkout, *dask, *here):
        crew = (sys.executable, "-m", "distributed.cli.dask_worker", address)
        alone = (*crew, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
        with quiet(checkout, *alone) as first, quiet(checkout, *alone):
            sweep = checkout.start(*sweep_of(checkout), "--cluster", f"address address={address}")
            victim = wait_for(lambda: [first.pid] if stored(checkout) else [], sweep, rng)
            if victim is not None:
                os.kill(victim, signal.SIGKILL)
            said, _ = sweep.communicate()
            assert sweep.returncode == 0, said
    return victim is not None, "the other worker went on to the end"


KILLS = {
    "worker": kill_worker,
    "coordinator": kill_coordinator,
    "dvc": kill_dvc,
    "nanny": kill_nanny,
}


@contextlib.contextmanager
def quiet(checkout: Checkout, *command: str):
    """Run a process in the background, and end it and its children afterwards."""
    process = subprocess.Popen(
        command,
        cwd=checkout.root,
        env=os.environ | {"PYTHONPATH": str(checkout.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def wait_for(victims, running: subprocess.Popen, rng: random.Random) -> int | None:
    """Return a victim once there is one, after a while drawn at random; nothing if all is over."""
    while running.poll() is None:
        if victims():
            time.sleep(rng.uniform(0, 15))
            found = victims() if running.poll() is None else []
            return rng.choice(found) if found else None
        time.sleep(0.1)
    return None


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a coordinator."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(pid).children()
        return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
    return []


def workers_below(pid: int) -> list[int]:
    with contextlib.suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid).children(recursive=True)
        return [worker for each in found for worker in workers_of(each.pid)]
    return []


def forget(checkout: Checkout) -> None:
    """Start over: no answers, no sealed output."""
    shutil.rmtree(checkout.root / "store", ignore_errors=True)
    lines(checkout).unlink(missing_ok=True)


def lines(checkout: Checkout) -> Path:
    return checkout.root / f"artifacts/{checkout.profile}/studies.jsonl"


def sealed(checkout: Checkout) -> bool:
    return lines(checkout).exists()


def stored(checkout: Checkout) -> int:
    files = (checkout.root / "store").glob("*/*.json")
    return sum(not file.name.endswith(".clock.json") for file in files)


def digest(checkout: Checkout) -> str:
    return hashlib.sha256(lines(checkout).read_bytes()).hexdigest()


def described(checkout: Checkout) -> int:
    """Return how many runs MLflow should have: one for each sealed trial, one for each study."""
    studies = [json.loads(line)["study"] for line in lines(checkout).read_text().splitlines()]
    return len(studies) + len(set(studies))


def mlflow_runs(checkout: Checkout) -> dict[str, int]:
    """Return how many runs of studies and trials MLflow has of each status."""
    script = (
        "import collections, json\n"
        "from mlflow import MlflowClient\n"
        "client = MlflowClient('sqlite:///mlflow.db')\n"
        f"experiment = client.get_experiment_by_name('normbench/{checkout.profile}')\n"
        "runs = client.search_runs([experiment.experiment_id], max_results=10_000)\n"
        "kept = [run for run in runs if run.data.tags['normbench.kind'] in ('study', 'trial')]\n"
        "print(json.dumps(collections.Counter(run.info.status for run in kept)))\n"
    )
    return json.loads(checkout.run(sys.executable, "-c", script).splitlines()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
