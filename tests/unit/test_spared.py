"""Keras does without what it imports only where it is there; everybody else gets it."""

import subprocess
import sys

SPARED = """
import sys
from pipeline.execution.spared import UNUSED, spare_keras
spare_keras()
spare_keras()
import keras
assert not {*UNUSED} & sys.modules.keys(), sorted({*UNUSED} & sys.modules.keys())
import matplotlib, pandas, sklearn
print(len(sys.meta_path), keras.ops.convert_to_numpy(keras.ops.ones(2)).sum())
"""


def test_keras_is_spared_them_and_others_import_them():
    found = run(SPARED)
    assert found[1] == "2.0"
    assert int(found[0]) == int(run("import sys, keras; print(len(sys.meta_path))")[0]) + 1


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()
