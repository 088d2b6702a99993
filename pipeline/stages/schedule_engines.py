"""Who starts an entry at its times: cron, Slurm's scrontab, a job of Slurm, Kubernetes.

In a table an entry is a block between two marks; installing it twice leaves one.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import yaml

from pipeline.errors import Refusal
from pipeline.execution.timetable import Timetable
from pipeline.stages.schedule_entry import Entry

EMPTY = ("no crontab", "no scrontab")  # what is said of a table without lines, by either of them


class Engine(Protocol):
    """One who starts entries."""

    def shown(self, entry: Entry) -> str:
        """Return what `install` would hand over."""
        ...

    def install(self, entry: Entry) -> None:
        """Take an entry, in the place of the one of its name."""
        ...

    def remove(self, entry: Entry) -> bool:
        """Give an entry up, and tell whether there was one."""
        ...

    def standing(self, entry: Entry) -> str:
        """Return how an entry stands, in a few words; empty where it is not there."""
        ...


class Table:
    """A table of cron's form, and the program that prints and takes it."""

    def __init__(self, program: str) -> None:
        self._program = program

    def shown(self, entry: Entry) -> str:
        """Return the block."""
        begin, end = _marks(entry)
        line = f"{entry.when} /bin/sh {shlex.quote(str(entry.script.absolute()))}"
        if self._program == "crontab" and "%" in line:
            line = line.replace("%", r"\%")
        options = [f"--job-name={entry.job}", f"--output={entry.log.absolute()}"]
        words = shlex.join([*options, "--open-mode=append", *entry.directives])
        slurms = [f"#SCRON {words}"] if self._program == "scrontab" else []
        return "\n".join([begin, *slurms, line, end]) + "\n"

    def install(self, entry: Entry) -> None:
        """Put the block at the table's end."""
        self._write(without(self._read(), entry) + self.shown(entry))

    def remove(self, entry: Entry) -> bool:
        """Take the block away."""
        before = self._read()
        after = without(before, entry)
        if before != after:
            self._write(after)
        return before != after

    def standing(self, entry: Entry) -> str:
        """Say whether the block is there."""
        return f"in {self._program}" if _marks(entry)[0] in self._read().splitlines() else ""

    def _read(self) -> str:
        done = _called([self._program, "-l"])
        said = done.stderr + done.stdout
        if done.returncode and not any(words in said for words in EMPTY):
            raise Refusal(f"{self._program} -l: {_last(done)}")
        return "" if done.returncode else done.stdout

    def _write(self, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="normbench-", suffix=".tab") as file:
            file.write(text)  # of mode 600
            file.flush()
            done = _called([self._program, file.name])
        if done.returncode:
            raise Refusal(f"{self._program}: {_last(done)}")


def without(table: str, entry: Entry) -> str:
    """Return a table without an entry's block; all other lines as they are."""
    begin, end = _marks(entry)
    kept: list[str] = []
    inside = False
    for line in table.splitlines(keepends=True):
        inside = inside or line.rstrip("\n") == begin
        if not inside:
            kept.append(line if line.endswith("\n") else f"{line}\n")
        inside = inside and line.rstrip("\n") != end
    return "".join(kept)


class Resubmitted:
    """A job of Slurm that submits its successor before it begins, for sites without scrontab."""

    def shown(self, entry: Entry) -> str:
        """Return the command that submits the next one."""
        return f"{shlex.join(self._command(entry))}\n"

    def install(self, entry: Entry) -> None:
        """Submit the next one; those that wait are cancelled, one that runs goes on."""
        self.remove(entry)
        done = _called(self._command(entry))
        if done.returncode:
            raise Refusal(f"sbatch: {_last(done)}")

    def remove(self, entry: Entry) -> bool:
        """Cancel those that wait."""
        numbers = self._jobs(entry, "%i", "--states=PENDING")
        if numbers:
            _called(["scancel", *numbers])
        return bool(numbers)

    def standing(self, entry: Entry) -> str:
        """Say what Slurm says: how each job stands, and when it starts."""
        return ", ".join(" ".join(line.split()) for line in self._jobs(entry, "%i %T %S"))

    def _jobs(self, entry: Entry, form: str, *more: str) -> list[str]:
        asked = ["squeue", "--me", "--noheader", f"--name={entry.job}", f"--format={form}", *more]
        done = _called(asked)
        if done.returncode:
            raise Refusal(f"squeue: {_last(done)}")
        return done.stdout.splitlines()

    def _command(self, entry: Entry) -> list[str]:
        now = datetime.now()  # noqa: DTZ005 - Slurm's --begin is of the machine's own clock, as cron's
        begin = Timetable(entry.when).after(now)
        return [
            "sbatch",
            f"--job-name={entry.job}",
            f"--begin={begin:%Y-%m-%dT%H:%M:%S}",
            "--dependency=singleton",
            f"--output={entry.log.absolute()}",
            "--open-mode=append",
            "--no-requeue",
            *entry.directives,
            str(entry.script.absolute()),
        ]


class Manifest:
    """A CronJob of Kubernetes, printed for `kubectl apply`: nothing is installed from here."""

    def __init__(self, image: str | None, claim: str | None) -> None:
        self._image = image
        self._claim = claim

    def shown(self, entry: Entry) -> str:
        """Return the manifest.

        Raises:
            Refusal: It is not said which container runs it, and where the checkout is.
        """
        if not self._image or not self._claim:
            raise Refusal("--engine kubernetes needs --image (a container) and --claim (a volume)")
        folder = str(Path.cwd())
        container = {
            "name": "normbench",
            "image": self._image,
            "workingDir": folder,
            "command": ["python", "-m", "pipeline", "schedule", "run", entry.name],
            # passwords: kubectl create secret generic normbench --from-env-file=FILE
            "envFrom": [{"secretRef": {"name": "normbench", "optional": True}}],
            "volumeMounts": [{"name": "checkout", "mountPath": folder}],
        }
        pod = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [container],
            "volumes": [{"name": "checkout", "persistentVolumeClaim": {"claimName": self._claim}}],
        }
        name = entry.job.lower().replace("_", "-")
        manifest = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": name, "labels": {"app": "normbench"}},
            "spec": {
                "schedule": entry.when,
                "concurrencyPolicy": "Forbid",
                "jobTemplate": {
                    "spec": {"backoffLimit": 0, "template": {"spec": pod}},
                },
            },
        }
        return yaml.safe_dump(manifest, sort_keys=False)

    def install(self, entry: Entry) -> None:
        """Print the manifest."""
        sys.stdout.write(self.shown(entry))

    def remove(self, entry: Entry) -> bool:
        """Say how the cluster is told."""
        name = entry.job.lower().replace("_", "-")
        print(f"kubectl delete cronjob {name}    # where kubectl is set up; here it is forgotten")
        return True

    def standing(self, entry: Entry) -> str:  # noqa: ARG002
        """Say who knows."""
        return "see: kubectl get cronjobs -l app=normbench"


def engine_of(name: str, image: str | None = None, claim: str | None = None) -> Engine:
    """Return an engine by its name.

    Raises:
        Refusal: Its program is not here.
    """
    programs = {"cron": "crontab", "scrontab": "scrontab", "sbatch": "sbatch"}
    program = programs.get(name)
    if program and shutil.which(program) is None:
        raise Refusal(
            f"--engine {name}: there is no {program} on the PATH; choose another engine, or run "
            "this where there is one"
        )
    if name == "sbatch":
        return Resubmitted()
    return Table(program) if program else Manifest(image, claim)


def _marks(entry: Entry) -> tuple[str, str]:
    what = f"normbench {entry.name} in {Path.cwd()}"
    return f"# begin {what}", f"# end {what}"


def _called(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise Refusal(f"{command[0]}: {error.strerror or error}") from error


def _last(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return said[-1] if said else f"ended with {done.returncode}"
