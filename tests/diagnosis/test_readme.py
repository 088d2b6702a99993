"""README's section on finished models, pasted: its script is watched, its model diagnosed."""

import os
import re
import subprocess
import sys
from pathlib import Path

FIGURES = ("norm_gap", "norm_drift", "norm_settled", "norm_effective_rate")


def test_the_script_and_the_commands_of_the_readme_work(tmp_path):
    [body] = re.findall(
        r"^## Your finished model$(.*?)^## ", Path("README.md").read_text(), re.M | re.S
    )
    code = [line[4:] for line in body.splitlines() if line.startswith("    ")]
    commands = [line for line in code if line.startswith("normbench ")]
    script = "\n".join(line for line in code if line not in commands)
    written = script.partition("<<'END'\n")[2].partition("\nEND")[0].splitlines()
    assert len([line for line in written if line]) <= 25
    folders = [str(Path.cwd()), *sys.path]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(folders),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)

    done = run("bash", "-euo", "pipefail", "-c", script)
    assert done.returncode == 0, done.stderr
    assert all(f"'{name}'" in done.stdout for name in FIGURES), done.stdout
    assert len(commands) == 2
    arguments = commands[1].split("#")[0].split()[1:]
    done = run(sys.executable, "-m", "pipeline", *arguments)
    assert done.returncode in (0, 1), done.stderr
    assert "before" in done.stdout
    assert (tmp_path / "mended.keras").exists()
    assert (tmp_path / "model.html").exists()
