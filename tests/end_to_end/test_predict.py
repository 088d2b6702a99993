"""A saved model asked about raw files scores what its run said; what does not fit is one line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HOUSES = """\
# Houses.
defaults: [table, _self_]
task: regression
source: {path: houses.csv, target: price, categorical: [city], missing: median}
train: 200
validation: 50
test: 50
"""
TINY = ("dataset.train=1000", "dataset.validation=200", "dataset.test=100", "epochs=3")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in os.environ if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        cwd=folder,
        env=environment | {"NORMBENCH_STORE": str(folder / "store")},
        capture_output=True,
        text=True,
    )


def trained(folder: Path, name: str, *overrides: str) -> tuple[Path, float]:
    """Train and keep a model; return the folder of its arrays, and its validation score."""
    done = run(folder, "train", *overrides, "--save", f"{name}.keras")
    assert done.returncode == 0, done.stderr
    [score] = re.findall(r"^validation \w+ +(0\.\d{4})$", done.stdout, re.M)[:1]
    [arrays] = (folder / "artifacts/train/arrays").glob(f"{name}-*")
    return arrays, float(score)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a copy of conf/, a table, and two models trained on digits and on it."""
    folder = tmp_path_factory.mktemp("asked")
    shutil.copytree("conf", folder / "conf")
    (folder / "conf" / "dataset" / "houses.yaml").write_text(HOUSES)
    rows = [
        f"{area if area % 50 else ''},{'Oslo' if area % 3 else 'Rome'},{1000 * area}"
        for area in range(300)
    ]
    (folder / "houses.csv").write_text("\n".join(["area,city,price", *rows]))
    return folder


@pytest.fixture(scope="module")
def digits(folder) -> tuple[Path, float]:
    return trained(folder, "mnist_5k", *TINY, "norm=batch")


@pytest.fixture(scope="module")
def houses(folder) -> tuple[Path, float]:
    return trained(folder, "houses", "dataset=houses", "epochs=20")


def test_raw_pixels_score_what_the_run_said(folder, digits):
    arrays, score = digits
    done = run(folder, "predict", "mnist_5k.keras", str(arrays / "validation_images.npy"))
    assert done.returncode == 0, done.stderr
    said = [int(line.split()[1]) for line in done.stdout.splitlines()]
    right = np.mean(said == np.load(arrays / "validation_targets.npy"))
    assert right == pytest.approx(score, abs=1e-4)
    assert right > 0.5


def test_a_picture_is_what_its_pixels_are(folder, digits):
    pixels = np.load(digits[0] / "validation_images.npy")[:3]
    np.savez(folder / "three.npz", pixels[..., 0])
    names = [f"{number}.png" for number in range(3)]
    for name, each in zip(names, pixels, strict=True):
        Image.fromarray(each[..., 0]).save(folder / name)
    by_array = run(folder, "predict", "mnist_5k.keras", "three.npz").stdout
    by_picture = run(folder, "predict", "mnist_5k.keras", *names).stdout
    told = [[line.split()[1:] for line in said.splitlines()] for said in (by_array, by_picture)]
    assert told[0] == told[1]
    assert len(told[0]) == 3


def test_rows_of_a_table_score_what_the_run_said_in_the_targets_own_unit(folder, houses):
    arrays, score = houses
    done = run(folder, "predict", "houses.keras", "houses.csv")
    assert done.returncode == 0, done.stderr
    names, prices = zip(*(line.split("  ") for line in done.stdout.splitlines()), strict=True)
    assert names[0] == "houses.csv:2"
    mean, deviation = json.loads((folder / "houses.json").read_text())["inputs"]["unit"]
    targets = np.load(arrays / "validation_targets.npy")[:, 0] * deviation + mean
    rows = np.round(targets / 1000).astype(int)  # a house's price is its row in thousands
    errors = np.array(prices, float)[rows] - targets
    assert 1 - np.mean(errors**2) / np.var(targets) == pytest.approx(score, abs=1e-3)
    assert score > 0.3


def test_rows_in_another_order_of_columns_and_of_an_unknown_city_are_answered(folder, houses):
    (folder / "more.csv").write_text("city,area\nOslo,101\nRome,252\nLima,\n")
    done = run(folder, "predict", "houses.keras", "more.csv")
    whole = run(folder, "predict", "houses.keras", "houses.csv").stdout.splitlines()
    lines = done.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"more.csv:{row}" for row in (2, 3, 4)]
    said = [line.split("  ")[1] for line in lines]
    assert said[:2] == [whole[row].split("  ")[1] for row in (101, 252)]


OWN = """
import keras


@keras.saving.register_keras_serializable("owner")
class Doubling(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def build(shape, outputs, norm):
    examples = keras.Input(shape)
    x = keras.layers.Dense(16, name="dense")(keras.layers.Flatten()(examples))
    x = norm(Doubling(name="doubling")(x), name="norm", activation="relu")
    return keras.Model(examples, keras.layers.Dense(outputs, name="logits")(x))
"""


@pytest.mark.slow
def test_a_model_of_ones_own_layers_is_asked_with_their_module(folder):
    (folder / "owner_layers.py").write_text(OWN)
    (folder / "conf" / "model" / "own.yaml").write_text(
        "_target_: owner_layers.build\nsearch: {}\ngrid: {}\n"
    )
    done = run(folder, "train", *TINY, "model=own", "norm=layer", "--save", "own.keras")
    assert done.returncode == 0, done.stderr
    score = float(re.search(r"^validation accuracy +(0\.\d{4})$", done.stdout, re.M)[1])
    [arrays] = (folder / "artifacts/train/arrays").glob("mnist_5k-*")
    asked = ("predict", "own.keras", str(arrays / "validation_images.npy"))
    alone = run(folder, *asked)
    assert (alone.returncode, len(alone.stderr.splitlines())) == (2, 1), alone.stderr
    assert alone.stderr.rstrip().endswith("name the module of its layers: --import MODULE")
    done = run(folder, *asked, "--import", "owner_layers")
    assert done.returncode == 0, done.stderr
    said = [int(line.split()[1]) for line in done.stdout.splitlines()]
    right = np.mean(said == np.load(arrays / "validation_targets.npy"))
    assert right == pytest.approx(score, abs=1e-4)
    missing = run(folder, *asked, "--import", "owner_layer")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "no module 'owner_layer'" in missing.stderr


MISTAKES = {
    "nowhere.png": "nowhere.png: does not exist",
    "houses.csv": "houses.csv: cannot be decoded: not a picture",
    "wide.npy": "holds float64 (2, 3); mnist_5k is of bytes, 0 to 255, of shape (28, 28, 1)",
    "text.npy": "is damaged, pickled or no .npy file",
    "two.npz": "holds 2 arrays (a, b); save the examples alone",
    "clear.png": "transparent, and nobody said on what ground",
}


def test_what_cannot_be_asked_is_one_line(folder, digits, houses):
    np.save(folder / "wide.npy", np.zeros((2, 3)))
    np.savez(folder / "two.npz", a=np.zeros(3), b=np.zeros(3))
    (folder / "text.npy").write_text("no numbers")
    Image.new("RGBA", (28, 28), (0, 0, 0, 0)).save(folder / "clear.png")
    shutil.copy(folder / "mnist_5k.keras", folder / "alone.keras")
    shutil.copy(folder / "mnist_5k.keras", folder / "mixed.keras")
    shutil.copy(folder / "houses.json", folder / "mixed.json")
    shutil.copy(folder / "houses.json", folder / "damaged.json")
    (folder / "damaged.keras").write_text("no model")
    (folder / "short.csv").write_text("area\n3\n")
    asked = {("mnist_5k.keras", name): said for name, said in MISTAKES.items()} | {
        ("alone.keras", "clear.png"): "alone.json: is missing; it lies beside its model",
        ("mixed.keras", "more.csv"): "they don't belong together",
        ("damaged.keras", "more.csv"): "damaged.keras: is no model that can be loaded",
        ("houses.keras", "short.csv"): "short.csv: holds no column 'city' of the model",
        ("houses.keras", "wide.npy"): "give a table with its columns",
    }
    for words, said in asked.items():
        done = run(folder, "predict", *words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert said in done.stderr, words
        assert done.stdout == ""


def test_a_place_that_cannot_be_is_told_before_training(folder):
    for words in (["--save", "model.h5"], ["--save", "no/folder.keras"]):
        done = run(folder, "train", *TINY, *words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    done = run(folder, "train", "-m", "seed=0,1", "--save", "two.keras")
    assert "names one file, but 2 runs are asked for" in done.stderr
