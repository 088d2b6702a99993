"""Peers' environments: what their scripts import is pinned, and what cannot be made is told."""

import ast
import subprocess
import sys
from pathlib import Path

import environments
import peer_sweeps
import pytest
from environments import PEERS, pins, python_of
from libraries import LIBRARIES, script

from pipeline.errors import Refusal

STEPS = [(name, script(name)) for name in LIBRARIES.values()]
SWEEPS = [(way.environment, PEERS / f"{way.script}.py") for way in peer_sweeps.WAYS.values()]
OURS = {"pipeline", *(file.stem for file in Path("tests").rglob("*.py"))}
BROUGHT = {"hydra", "omegaconf"}  # by our environment, on which that one stands


@pytest.fixture
def peers(tmp_path, monkeypatch):
    """A folder of requirements in the place of ours."""
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "file"), [*STEPS, *SWEEPS])
def test_what_a_script_imports_is_pinned(name, file):
    tops = {
        each.partition(".")[0]
        for node in ast.walk(ast.parse(file.read_text(), filename=str(file)))
        for each in imported(node)
    }
    libraries = tops - OURS - BROUGHT - set(sys.stdlib_module_names)
    assert libraries <= {each.partition("[")[0] for each in (pins(name) if name else {})}


def test_every_requirement_is_one_version_and_no_address():
    files = sorted(PEERS.glob("*.txt"))
    assert {file.stem for file in files} == {name for name, _ in [*STEPS, *SWEEPS] if name}
    for file in files:
        assert file.read_text().startswith("# ")
        assert pins(file.stem)
        assert "://" not in file.read_text()


def test_an_environment_that_cannot_be_made_is_told_in_one_line(peers, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (peers / "none.txt").write_text("no-such-tool==1.0\n")
    with pytest.raises(Refusal) as refusal:
        python_of("none", build=tmp_path / "build")
    told = str(refusal.value)
    assert told.startswith("tests/benchmarks/peers/none.txt: its environment could not be made: ")
    assert "no-such-tool==1.0" in told
    assert told.endswith("run it where pip reaches a package index")
    assert "\n" not in told


def test_an_environment_is_made_once_and_again_when_its_pins_change(peers, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    build, made = tmp_path / "build", tmp_path / "build" / "empty" / "made"
    (peers / "empty.txt").write_text("# nothing\n")
    python = python_of("empty", build=build)
    made.touch()
    assert python_of("empty", build=build) == python
    assert made.exists()
    (peers / "empty.txt").write_text("# still nothing\n")
    python_of("empty", build=build)
    assert not made.exists()


def test_one_that_stands_on_ours_finds_what_is_installed_here(peers, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (peers / "empty.txt").write_text("# nothing\n")
    python = python_of("empty", on_ours=True, build=tmp_path / "build")
    said = "import numpy, sys; print(numpy.__version__, sys.prefix)"
    done = subprocess.run([python, "-c", said], capture_output=True, text=True, check=True)
    import numpy

    assert done.stdout.split() == [numpy.__version__, str((tmp_path / "build" / "empty").resolve())]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
