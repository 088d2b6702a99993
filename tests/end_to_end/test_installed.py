"""The package installed from a wheel, in a folder without a checkout: what ships is there."""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from checkout import Checkout

from pipeline.version import VERSION

ARCHIVE = "from setuptools import build_meta; build_meta.build_sdist('dist')"
# One process for all that needs TensorFlow; each command's exit code stands behind what it said
COMMANDS = """\
import sys

import numpy as np

from pipeline.__main__ import main

rng = np.random.default_rng(0)
x = rng.random((300, 8, 8, 1)).astype("float32")
np.savez("mine.npz", x=x, y=rng.integers(0, 10, 300))
np.save("three.npy", (255 * x[:3]).astype("uint8"))
TRAIN = "train dataset=digits model=mine examples=300 epochs=1 --save one.keras"
for line in (TRAIN, "predict one.keras three.npy", "diagnose one.keras --examples mine.npz"):
    print(f"{line.split()[0]} ends with {main(line.split())}")

import keras

import pipeline
from pipeline.diagnosis import NormWatch

model = keras.saving.load_model("one.keras", compile=False)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
watch = NormWatch(x, rng.integers(0, 10, 300))
model.fit(x, rng.integers(0, 10, 300), epochs=1, verbose=0, callbacks=[watch])
print("watched", *(name for name in model.history.history if name.startswith("norm")))
print("used", pipeline.__file__)
"""

NET = """\
import keras


def make(shape, outputs):
    pictures = keras.Input(shape)
    x = keras.layers.Dense(16, activation="relu")(keras.layers.Flatten()(pictures))
    return keras.Model(pictures, keras.layers.Dense(outputs)(x))
"""


class Installed:
    """A folder of somebody's, and the package where they installed it."""

    def __init__(self, wheel: Path, root: Path) -> None:
        self.wheel, self.place, self.folder = wheel, root / "site", root / "somewhere"
        self.folder.mkdir(parents=True)
        pip(root, "install", "--target", str(self.place), str(wheel))

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.place), "MLFLOW_TRACKING_URI": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def normbench(self, *words: str, code: int = 0) -> str:
        return self.run(str(self.place / "bin" / "normbench"), *words, code=code)

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def pip(folder: Path, command: str, *words: str) -> None:
    """Run pip on what is here: no index is asked, no setuptools but this environment's."""
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, "--quiet", *options, *words],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def installed(checkout, tmp_path_factory) -> Installed:
    """From an archive of the sources, as an index would have it."""
    checkout.run(sys.executable, "-P", "-c", ARCHIVE)
    [archive] = checkout.root.glob("dist/*.tar.gz")
    pip(checkout.root, "wheel", "--wheel-dir", "wheels", str(archive))
    [wheel] = checkout.root.glob("wheels/*.whl")
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_holds_the_code_and_what_ships_and_nothing_else(checkout, installed):
    code = checkout.root / "pipeline"
    wanted = {str(file.relative_to(checkout.root)) for file in code.rglob("*") if file.is_file()}
    wanted = {name for name in wanted if not name.endswith("README.md")}
    conf = {str(file.relative_to(checkout.root)) for file in checkout.root.glob("conf/**/*.yaml")}
    assert len(conf) > 100
    about = f"normbench-{VERSION}.dist-info"
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = {name for name in wheel.namelist() if not name.startswith(f"{about}/")}
        said = Parser().parsestr(wheel.read(f"{about}/METADATA").decode())
        assert f"{about}/licenses/LICENSE" in wheel.namelist()
    assert held == wanted | {f"pipeline/{name}" for name in conf}
    assert said["Version"] == VERSION
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == "<3.14,>=3.11"
    assert not said["Home-page"]
    assert said.get_all("Project-URL") is None


def test_a_users_files_stand_beside_those_that_ship(installed):
    assert installed.normbench("--version") == f"normbench {VERSION}\n"
    assert "normbench decide --model" in installed.normbench("--help")
    installed.write("conf/model/mine.yaml", "# Mine.\ndefaults: [mlp, _self_]\nwidth: 16\n")
    said = installed.normbench("train", "--info", "model=mine")
    assert "model: conf/model/mine.yaml (or: cnn, " in said
    assert f"norm: {installed.place}/pipeline/conf/norm/batch.yaml (or: " in said


def test_a_model_is_trained_asked_diagnosed_and_watched_far_from_any_checkout(installed):
    installed.write("conf/model/mine.yaml", "# Mine.\ndefaults: [mlp, _self_]\nwidth: 16\n")
    said = installed.run("-c", COMMANDS)
    assert "train ends with 0" in said
    assert "three.npy[2]" in said
    assert "predict ends with 0" in said
    assert "norm_0" in said
    assert "diagnose ends with 1" in said  # averages that ten steps did not settle
    assert "watched norm" in said
    assert f"used {installed.place}/pipeline/__init__.py" in said
    [key] = {file.name.partition(".")[0] for file in installed.folder.glob("store/*/*.json")}
    said = installed.normbench("show", key[:12])
    assert "width=16" in said
    assert "none: not a git checkout" in said


@pytest.mark.slow
def test_workers_train_what_decides_about_a_model_beside_nothing_else(installed):
    installed.write("my_project/net.py", NET)
    asked = ["--model", "my_project.net:make", "--data", "digits", "--minutes", "4"]
    said = installed.normbench("decide", *asked)
    name = "decide_my_project_net_make_digits"
    assert f"conf/profile/{name}.yaml: written" in said
    assert "Not known yet: " in said or "Use " in said
    assert (installed.folder / "reports" / name / "report.html").is_file()
