"""What a worker is before its first trial."""

import subprocess
import sys

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
