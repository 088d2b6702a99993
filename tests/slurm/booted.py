"""A real Slurm of three nodes on this machine: Debian's packages, loopback alone, no systemd.

python tests/slurm/booted.py FOLDER     # boots one, says how to use it, and waits for SIGTERM
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2", "n3")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
# both keep the controller off 0.0.0.0
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/spool/%n
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
ScronParameters=enable
ReturnToService=2
KillWait=5
SlurmdTimeout=10
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=8000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=8000
NodeName=n3 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[3]} CPUs=2 RealMemory=8000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverTimeLimit=0
"""


def install() -> None:
    """See that Slurm's programs are here; Debian's packages bring them.

    Raises:
        RuntimeError: They are not, and cannot be installed.
    """
    if all(shutil.which(name) for name in PROGRAMS):
        return
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        try:
            done = subprocess.run(command, text=True, check=False, **quiet)
        except FileNotFoundError:
            raise RuntimeError("tests/slurm need Debian's packages: no apt-get is here") from None
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason"])[-1]
            raise RuntimeError(
                f"tests/slurm need root and Debian's packages {', '.join(PACKAGES)}: "
                f"{' '.join(command[:2])} said: {said}"
            )


class Slurm:
    """A controller and three nodes, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.environment = {"SLURM_CONF": str(self.conf)}
        for name in ("state", *(f"spool/{node}" for node in NODES)):
            (folder / name).mkdir(parents=True, exist_ok=True)
        key = folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        host = os.uname().nodename.split(".")[0]
        self.conf.write_text(
            CONFIGURATION.format(folder=folder, host=host, ports=free_ports(len(NODES) + 1))
        )

    def start(self) -> None:
        """Start all of it, and wait until the nodes are ready."""
        self.run(
            "munged",
            "--force",
            f"--key-file={self.folder}/munge.key",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        self.run("slurmctld", "-f", str(self.conf))
        for node in NODES:
            self.start_node(node)
        wait(lambda: self.ready() == len(NODES), 30, self.story)

    def start_node(self, node: str) -> None:
        self.run("slurmd", "-N", node, "-f", str(self.conf))

    def kill_node(self, node: str) -> None:
        """End a node's daemon and the jobs that run there, as a power cut does."""
        running = self.jobs(node)
        os.kill(self.process(f"slurmd-{node}").pid, signal.SIGKILL)
        for number in running:
            for each in of_job(number):
                each.kill()

    def ready(self) -> int:
        states = self.run("sinfo", "-h", "-N", "-o", "%N %t").splitlines()
        return sum(line.split()[1] in ("idle", "mix", "alloc") for line in states)

    def jobs(self, node: str | None = None, state: str = "RUNNING") -> list[str]:
        """Return the numbers of the jobs in one state, or none of them over, on one node or any."""
        where = [*(["-w", node] if node else []), *(["-t", state] if state else [])]
        return self.run("squeue", "-h", "-o", "%A", *where).split()

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands, and return what it says."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def process(self, daemon: str) -> psutil.Process:
        return psutil.Process(int((self.folder / f"{daemon}.pid").read_text()))

    def stop(self) -> None:
        """Cancel what runs, and end the daemons that `start` started."""
        for number in self.jobs(state=""):
            self.run("scancel", number)
        wait(lambda: not self.jobs(state=""), 30, self.story)
        for daemon in (*(f"slurmd-{node}" for node in NODES), "slurmctld", "munged"):
            try:
                process = self.process(daemon)
            except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
                continue
            if process.name() == daemon.partition("-")[0]:
                process.terminate()
                process.wait(20)

    def story(self) -> str:
        """Return what the daemons said last."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)


def of_job(number: str) -> list[psutil.Process]:
    """Return the processes of a job, by their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SLURM_JOB_ID") == number:
                found.append(process)
        except psutil.Error:
            continue
    return found


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait(condition, seconds: float, story=str) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It did not, for so long.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s\n{story()}"
        time.sleep(0.2)


def main() -> None:
    install()
    slurm = Slurm(Path(sys.argv[1]).resolve())
    slurm.start()
    print(f"export SLURM_CONF={slurm.conf}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pause()
    slurm.stop()


if __name__ == "__main__":
    main()
