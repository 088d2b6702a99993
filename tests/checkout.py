"""A copy of this checkout in which tests run the shipped pipeline on the smoke profile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.commands import STAGES

PROFILE = "smoke"
OUTPUTS = ("artifacts", f"reports/{PROFILE}")  # of the smoke profile
ELSEWHERE = ("NORMBENCH_STORE", "NORMBENCH_CLUSTER", "NORMBENCH_OPTUNA", "MLFLOW_TRACKING_URI")


class Checkout:
    """A copy of this checkout whose dvc.yaml runs the smoke profile, or another one.

    Trials are trained by the process that sweeps, unless the environment says who else works: to
    start workers takes longer than what most tests train.
    """

    def __init__(self, root: Path, profile: str = PROFILE, **environment: str) -> None:
        self.root = root
        self.profile = profile
        self.environment = environment
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if Path(name).is_file() and name != "dvc.lock":
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(name, target)
        self.edit("dvc.yaml", "- quick\n", f"- {profile}\n")
        self.run("git", "init", "--quiet")

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command here to its end, and return what it said."""
        process = self.start(*command)
        said, _ = process.communicate()
        assert process.returncode == code, said
        return said

    def pipeline(self, *words: str, code: int = 0) -> str:
        """Run one of this copy's own commands, and return what it said."""
        return self.run(sys.executable, "-m", "pipeline", *words, code=code)

    def start_pipeline(self, *words: str) -> subprocess.Popen[str]:
        """Start one of this copy's own commands."""
        return self.start(sys.executable, "-m", "pipeline", *words)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command here, with the environment of the tests first on the path."""
        programs = str(Path(sys.executable).parent)
        environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        for name in ELSEWHERE:
            environment.pop(name, None)
        environment["NORMBENCH_CLUSTER"] = "inline"
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def edit(self, name: str, old: str, new: str) -> None:
        file = self.root / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def repro(self) -> str:
        return self.run("dvc", "repro", f"report@{self.profile}")

    def outputs(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for folder in OUTPUTS
            for file in sorted((self.root / folder).rglob("*"))
            if file.is_file() and not file.name.endswith((".lock", ".progress.json", ".made.json"))
        }

    def ran(self, output: str) -> list[str]:
        return [name for name in STAGES if f"Running stage '{name}@{self.profile}'" in output]
