"""Code of one's own keeps neither the terminal nor the process."""

import os
import subprocess
import sys

import pytest

from pipeline.components import resolve
from pipeline.errors import Refusal

LOUD = """
import os
import sys

print("\\x1b[31mimported\\n" * 100_000)


def build(*, fails):
    os.write(1, b"from C\\n")
    print("to standard error", file=sys.stderr)
    if fails:
        raise ValueError("no")
    return 3


def silent():
    return 4
"""


CALLS = """
import logging
import os
import sys

from pipeline.components import build, resolve
from pipeline.records import Component

logging.basicConfig(format="%(message)s", level=logging.WARNING)
resolve("loud_module.silent")
for name, arguments in [("build", {"fails": False}), ("build", {"fails": True}), ("silent", {})]:
    try:
        print("made", build(Component(target=f"loud_module.{name}", arguments=arguments)))
    except ValueError as error:
        print("failed", error)
os.write(2, b"heard again\\n")
"""


def test_what_named_code_prints_is_one_line_a_call_that_names_it(tmp_path):
    (tmp_path / "loud_module.py").write_text(LOUD)
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["made 3", "failed no", "made 4"]
    imported, *built, last = done.stderr.splitlines()
    assert imported.startswith("loud_module.silent printed 1,400,001 bytes: imported imported")
    assert imported.endswith(" ...")
    assert len(imported) < 300
    assert built == ["loud_module.build printed 25 bytes: from C to standard error"] * 2
    assert last == "heard again"


def test_what_is_refused_is_refused_as_before():
    with pytest.raises(Refusal, match="no module 'nowhere_module'"):
        resolve("nowhere_module.build")


LEFT = """
import sys
import threading
import time

import pipeline.__main__ as command

command.PATIENCE_SECONDS = 0.3
threading.Thread(target=time.sleep, args=(600,), name="forever").start()
sys.argv = ["normbench", "show", "nothing"]
sys.exit(command.main())
"""


def test_a_thread_that_named_code_left_does_not_hold_the_process():
    done = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert first.startswith("normbench show: ")
    assert last == "normbench: ended while forever still ran, left by code that was called"
