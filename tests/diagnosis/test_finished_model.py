"""README's section on finished models: its script is watched, its model diagnosed."""

import re
import runpy
from pathlib import Path

import keras

from pipeline.__main__ import main

FIGURES = ("norm_gap", "norm_drift", "norm_settled", "norm_effective_rate")


def test_the_script_and_the_commands_of_the_readme_work(tmp_path, monkeypatch, capsys):
    [body] = re.findall(
        r"^## Your finished model$(.*?)^## ", Path("README.md").read_text(), re.M | re.S
    )
    code = [line.removeprefix("    ") for line in body.splitlines() if line.startswith("    ")]
    script = "\n".join(line[4:] if line.startswith("    ") else "" for line in body.splitlines())
    script = script.partition("<<'END'\n")[2].partition("\nEND")[0]
    assert len([line for line in script.splitlines() if line]) <= 25
    assert "python watched.py" in code
    monkeypatch.chdir(tmp_path)
    Path("watched.py").write_text(script)
    keras.utils.set_random_seed(0)  # this process is deterministic, and asks for one
    runpy.run_path("watched.py")
    said = capsys.readouterr().out
    assert all(f"'{name}'" in said for name in FIGURES), said
    commands = [line.split("#")[0].split()[1:] for line in code if line.startswith("normbench ")]
    assert len(commands) == 2
    for arguments in commands:
        assert main(arguments) in (0, 1)
    assert "before" in capsys.readouterr().out
    assert Path("mended.keras").exists()
    assert Path("model.html").exists()
