"""The command line: help at once, mistakes in one line, exit codes that mean something."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pipeline.__main__ import BESIDE, main
from pipeline.commands import STAGES, since


def test_help_imports_no_heavy_library():
    script = (
        "import sys\n"
        "from pipeline.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra', 'pandas', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    for command in ("train", *STAGES, *BESIDE):
        assert command in done.stdout


def test_no_command_at_all_shows_the_help(capsys):
    assert main([]) == 0
    assert "normbench train model=cnn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sweeep", "quick"], "did you mean 'sweep'?"),
        (["sweep"], "profile"),
        (["train", "--fast"], "--fast"),
    ],
)
def test_a_mistaken_command_is_one_line_and_exit_code_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_the_composed_configuration_is_printed_with_references_or_their_values(capsys):
    for more, examples in (([], "${dataset.train}"), (["--resolve"], 3000)):
        assert main(["train", "--cfg", "job", *more, "epochs=2"]) == 0
        said = yaml.safe_load(capsys.readouterr().out)
        assert said["examples"] == examples
        assert said["epochs"] == 2


def test_the_chosen_files_are_listed_with_the_others(capsys):
    assert main(["train", "--info", "model=cnn"]) == 0
    said = capsys.readouterr().out
    assert "model: conf/model/cnn.yaml (or: cnn_deep, cnn_small" in said
    assert "hydra" not in said


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_completion_script_knows_the_commands(shell, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--print-completion", shell])
    assert end.value.code == 0
    assert "confirm" in capsys.readouterr().out


def test_an_unknown_profile_is_refused_with_the_nearest(capsys):
    assert main(["compose", "quik"]) == 2
    err = capsys.readouterr().err
    assert "did you mean 'quick'?" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("stage", [*list(STAGES)[1:], "inputs", "mirror"])
def test_a_stage_without_what_comes_before_says_what_to_run(stage, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([stage, "quick"]) == 2
    err = capsys.readouterr().err
    assert "run: normbench" in err
    assert len(err.splitlines()) == 1


def test_the_console_script_is_the_module():
    scripts = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"normbench": "pipeline.__main__:main"}


def test_dvc_the_docs_and_the_printed_commands_have_the_stages_in_their_order():
    compose, inputs, *after, whole = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    assert (inputs, whole) == ("inputs", "reference")  # which are for DVC alone
    assert [compose, *after] == list(STAGES)
    [loop] = re.findall(r"for stage in (.*); do normbench", Path("docs/own.md").read_text())
    assert loop.split() == list(STAGES)
    assert since("analyze", "quick") == "normbench analyze quick && normbench report quick"
