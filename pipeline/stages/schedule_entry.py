"""What is scheduled: an entry's settings, its folder, and the script that its engine starts."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from pipeline.content import Record, canonical_json, content_digest
from pipeline.errors import Refusal

FOLDER = Path("artifacts/schedule")
CARRIED = (  # what says where things run; passwords are not copied
    "PATH",
    "PYTHONPATH",
    "SLURM_CONF",
    "NORMBENCH_DOWNLOADS",
    "NORMBENCH_OPTUNA",
    "NORMBENCH_STORE",
    "MLFLOW_TRACKING_URI",
)
SHOWN = 6  # characters of a checkout's digest


class Entry(Record):
    """One thing that is run at set times.

    Attributes:
        name: Unique in its checkout.
        when: Five fields of cron.
        conf: The folder of configuration.
        on_change: What a changed verdict runs, by the shell.
        directives: Slurm's, for the job of the run itself.
    """

    name: str
    when: str
    engine: str
    profile: str
    cluster: str
    conf: str
    on_change: str | None
    directives: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where its settings, its script, its log and its analyses lie."""
        return folder_of(self.name)

    @property
    def script(self) -> Path:
        """What its engine starts."""
        return self.folder / "run.sh"

    @property
    def log(self) -> Path:
        """What its runs say."""
        return self.folder / "log.txt"

    @property
    def job(self) -> str:
        """Its name where other checkouts' entries are too."""
        return f"normbench-{self.name}-{content_digest({'folder': str(Path.cwd())})[:SHOWN]}"

    def save(self, environment: Mapping[str, str]) -> None:
        """Write settings and script, for nobody else to read: addresses may hold a password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / "entry.json", canonical_json(self.plain()) + "\n")
        _write(self.script, self.text(environment))

    def text(self, environment: Mapping[str, str]) -> str:
        """Return the script."""
        carried = [
            f"export {name}={shlex.quote(environment[name])}"
            for name in CARRIED
            if environment.get(name)
        ]
        command = [sys.executable, "-m", "pipeline", "schedule", "run", self.name]
        return "\n".join(
            [
                "#!/bin/sh",
                f"# {self.profile} on {self.cluster} at {self.when}: see normbench schedule list",
                "umask 077",
                f"cd {shlex.quote(str(Path.cwd()))} || exit 2",
                *carried,
                f"exec {shlex.join(command)} >> {shlex.quote(str(self.log))} 2>&1",
                "",
            ]
        )


def read_entry(name: str) -> Entry:
    """Return an entry's settings.

    Raises:
        Refusal: There is none, or it is damaged.
    """
    file = folder_of(name) / "entry.json"
    try:
        return Entry.parse(json.loads(file.read_text()))
    except FileNotFoundError:
        raise Refusal(f"there is no entry {name!r} here; see: normbench schedule list") from None
    except (ValueError, ValidationError, RecursionError):
        raise Refusal(f"{file} is damaged; schedule {name} again") from None


def folder_of(name: str) -> Path:
    """Return an entry's folder.

    Raises:
        Refusal: It is no name of a folder and a job.
    """
    if not name.replace("-", "a").replace("_", "a").isalnum() or not name.isascii():
        raise Refusal(f"{name!r}: name an entry with letters, digits, - and _ alone")
    return FOLDER / name


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)


def here() -> Mapping[str, str]:
    """Return this process's environment."""
    return os.environ
