"""The collapse of a short run, by command: diagnosed, blamed on a layer, mended."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = (
    *("model=cnn", "norm=batch_default", "optimizer=adam", "optimizer.learning_rate=0.001"),
    *("batch_size=32", "epochs=1", "steps_per_epoch=200"),
)


@pytest.mark.slow
def test_a_short_runs_averages_are_blamed_and_recalibration_brings_its_score_back(tmp_path):
    """200 steps at momentum 0.99 leave 13% of the start in the averages."""
    shutil.copytree("conf", tmp_path / "conf")
    environment = {name: os.environ[name] for name in os.environ if name != "MLFLOW_TRACKING_URI"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipeline", *words],
            cwd=tmp_path,
            env=environment
            | {"NORMBENCH_STORE": str(tmp_path / "store"), "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
        )

    done = run("train", *SHORT, "--save", "cnn.keras")
    assert done.returncode == 0, done.stderr
    asked = ("--data", "mnist_5k", "--steps", "200", "--json")
    done = run("diagnose", "cnn.keras", *asked, "--recalibrate", "mended.keras")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    first, told, mended = found["findings"][0], found["measured"], found["mended"]
    assert (first["code"], first["layer"]) == ("averages-ruin-inference", "norm_0")
    assert "averages-not-settled" in {each["code"] for each in found["findings"]}
    batch = told["batch"]["score"]
    assert batch - mended["before"]["score"] > 0.05
    assert abs(batch - mended["after"]["score"]) < 0.01
    again = json.loads(run("diagnose", "mended.keras", *asked).stdout)
    assert again["measured"]["moving"] == mended["after"]
    assert "averages-ruin-inference" not in {each["code"] for each in again["findings"]}
