"""The code that a sweep was started with: copied, imported first, and with the same digest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import Refusal
from pipeline.execution.dask_jobs import prologue_of
from pipeline.execution.environment import digest_of_modules, own_code
from pipeline.execution.frozen import freeze

DIGEST = (
    "import sys; from pipeline.execution.environment import digest_of_modules as digest; "
    "import pipeline; print(pipeline.__file__, *(digest([name]) for name in sys.argv[1:]))"
)
NAMES = ("pipeline.training.engine", "mine_frozen.model", "alone_frozen")


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """A folder with a package and a module of the user's own, on the path."""
    folder = tmp_path / "mine"
    (folder / "mine_frozen").mkdir(parents=True)
    (folder / "mine_frozen" / "model.py").write_text("from mine_frozen import other\n")
    (folder / "mine_frozen" / "other.py").write_text("WIDTH = 3\n")
    (folder / "alone_frozen.py").write_text("build = None\n")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_jobs_import_the_frozen_code_whatever_becomes_of_the_checkout(mine, tmp_path):
    before = [digest_of_modules([name]) for name in NAMES]
    code = own_code(["mine_frozen.model.build", "alone_frozen.build", "keras.layers.Dense"])
    assert list(code) == ["alone_frozen", "mine_frozen.model"]
    run = tmp_path / "run"
    assert freeze(run / "code", code) == ["pipeline", "alone_frozen", "mine_frozen"]

    (mine / "mine_frozen" / "other.py").write_text("WIDTH = 4\n")
    (mine / "alone_frozen.py").write_text("build = 1\n")
    changed = tmp_path / "checkout"
    shutil.copytree("pipeline", changed / "pipeline", ignore=shutil.ignore_patterns("*.pyc"))
    (changed / "pipeline" / "training" / "engine.py").write_text("CHANGED = True\n")

    script = "\n".join(
        [*prologue_of(run, ["export PYTHONPATH=/of/the/site"], changed), 'exec "$0" "$@"']
    )
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, "-c", DIGEST, *NAMES],
        env=os.environ | {"PYTHONPATH": str(mine)},
        capture_output=True,
        text=True,
        check=True,
    )
    place, *after = done.stdout.split()
    assert Path(place) == run / "code" / "pipeline" / "__init__.py"
    assert after == before


def test_what_is_installed_is_left_where_it_is(tmp_path):
    assert freeze(tmp_path / "code", ["yaml", "json.decoder", "no_such_module"]) == ["pipeline"]
    assert [each.name for each in (tmp_path / "code").iterdir()] == ["pipeline"]
    assert list((tmp_path / "code").rglob("*.pyc")) == []


def test_a_job_that_starts_when_its_sweep_is_over_does_nothing(tmp_path):
    script = "\n".join([*prologue_of(tmp_path / "gone", ["echo late"], tmp_path), "echo later"])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"the code of this sweep cannot be copied") as refused:
        freeze(tmp_path / "file" / "code", [])
    assert "\n" not in str(refused.value)
