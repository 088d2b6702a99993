"""What docs and README say of finished models: its script is watched, its model diagnosed."""

import runpy
from pathlib import Path

import keras
from recipes import commands, pasted

from pipeline.__main__ import main

FIGURES = ("norm_gap", "norm_drift", "norm_settled", "norm_effective_rate")


def test_the_script_and_the_commands_of_the_docs_work(tmp_path, monkeypatch, capsys):
    watching = pasted("docs/diagnose.md", "While it trains")
    script = watching.partition("<<'END'\n")[2].partition("\nEND")[0]
    assert len([line for line in script.splitlines() if line]) <= 25
    assert commands(watching)[-1] == "python watched.py"
    given = commands(pasted("docs/diagnose.md", "A finished model"))
    assert given == commands(pasted("README.md", "A model whose validation collapses"))
    monkeypatch.chdir(tmp_path)
    Path("watched.py").write_text(script)
    keras.utils.set_random_seed(0)  # this process is deterministic, and asks for one
    runpy.run_path("watched.py")
    said = capsys.readouterr().out
    assert all(f"'{name}'" in said for name in FIGURES), said
    assert len(given) == 2
    for line in given:
        assert main(line.split()[1:]) in (0, 1)
    assert "before" in capsys.readouterr().out
    assert Path("mended.keras").exists()
    assert Path("model.html").exists()
