"""What a worker is before its first trial."""

import importlib
import subprocess
import sys
import threading

CODE = """
import sys
from pipeline.training.determinism import UNUSED, configure
configure("cpu", threads=1)
print(*sorted(set(UNUSED) & sys.modules.keys()))
import pandas, sklearn, matplotlib  # somebody's own module may use them
print(pandas.DataFrame([[1]]).shape)
"""


def test_a_worker_does_without_what_keras_loads_only_because_it_is_there():
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines() == ["", "(1, 1)"]
    assert not out.stderr


def test_another_thread_may_load_them_meanwhile():
    from pipeline.training.determinism import _Absent

    refused, found = [], []

    def load(into):
        try:
            into.append(importlib.import_module("colorsys"))
        except ModuleNotFoundError as error:
            into.append(error)

    sys.modules.pop("colorsys", None)
    with _Absent(("colorsys",)):
        load(refused)
        thread = threading.Thread(target=load, args=(found,))
        thread.start()
        thread.join()
    assert isinstance(refused[0], ModuleNotFoundError)
    assert found[0].__name__ == "colorsys"
