"""A user's walk: pictures, a model and an arm of one's own, three files added and none edited.

The model and the arm lie in a package outside the checkout. What does not fit
is told in one line.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from checkout import Checkout
from PIL import Image

from pipeline.execution import environment

SHALLOW = """\
import keras
from my_project.blocks import block


def build(shape, outputs, norm, *, width):
    images = keras.Input(shape)
    x = block(images, norm, width, "first")
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(outputs, name="outputs")(x))


def no_model(shape, outputs, norm, *, width):
    return [shape, outputs, width]
"""
BLOCKS = """\
import keras


def block(x, norm, width, name):
    x = keras.layers.Conv2D(width, 3, padding="same", name=f"conv_{name}")(x)
    return norm(x, name=f"norm_{name}", activation="relu")
"""
ARM = """\
import keras


@keras.saving.register_keras_serializable("my_project")
class Scaled(keras.layers.Layer):
    def __init__(self, *, epsilon, **more):
        super().__init__(**more)
        self.epsilon = epsilon

    def build(self, shape):
        self.gamma = self.add_weight(name="gamma", shape=(shape[-1],), initializer="ones")

    def call(self, x):
        size = keras.ops.mean(keras.ops.square(x), axis=-1, keepdims=True)
        return x * self.gamma / keras.ops.sqrt(size + self.epsilon)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
"""
THREE_FILES = {
    "conf/dataset/colors.yaml": """\
# 120 color pictures in 5 classes.
defaults:
  - image_folder
  - _self_
source:
  path: {outside}/pictures
  size: [8, 8]
train: 60
validation: 30
test: 30
""",
    "conf/model/shallow.yaml": """\
# One convolution.
_target_: my_project.shallow.build
width: 8
search: {{}}
grid: {{}}
""",
    "conf/norm/scaled.yaml": """\
# A layer of my own.
_target_: my_project.layers.Scaled
epsilon: 1.0e-6
placement: before
search:
  epsilon: {{low: 1.0e-7, high: 1.0e-3, scale: log, points: null}}
""",
}
TWO_MORE = {
    "conf/experiment/mine.yaml": """\
# My arm against batch normalization, on my data and my model.
datasets: [colors]
models: [shallow]
norms: [none, batch, scaled]
optimizers: [adam]
design: sobol
axes: {}
overrides: [epochs=2, budget=2, search.batch_size.high=32]
""",
    "conf/profile/mine.yaml": """\
# My comparison.
defaults: [quick, _self_]
experiments: [mine]
overrides:
  - confirm_seeds=[1,2]
analysis: {minimum: null, cost_experiments: []}
""",
}
MINE = ("dataset=colors", "model=shallow", "norm=scaled", "batch_size=20", "epochs=2")
# override -> what its line says; they reach the model's code, in one process
REFUSED = {
    "model._target_=my_project.shallow.biuld": "did you mean 'build'?",
    "model._target_=my_project.shallow.no_model": "returned list, not a keras.Model",
    "model._target_=my_project.incomplete.build": "needs 'no_such_library'",
    "+model.depth=3": "takes no argument 'depth'",
    "norm._target_=my_project.layers.Scalde": "did you mean 'Scaled'?",
    "+norm.momentum=0.9": "refuses its arguments",
}
SCRIPT = """\
import contextlib, io, json, sys
from pathlib import Path

import my_project.layers
from pipeline.__main__ import main

*mine, overrides, model = sys.argv[1:]
told = {}
for override in json.loads(overrides):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(["train", *mine, override])
    told[override] = [code, said.getvalue()]

from pipeline.training.saved import load_model

print(json.dumps([told, load_model(Path(model)).output_shape]))
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    """A folder outside the checkout: a package of the user's own, and pictures."""
    outside = tmp_path_factory.mktemp("outside")
    package = outside / "my_project"
    package.mkdir()
    for name, content in {
        "__init__": "",
        "shallow": SHALLOW,
        "blocks": BLOCKS,
        "layers": ARM,
        "incomplete": "import no_such_library\n",
        "broken": "def build(:\n",
    }.items():
        (package / f"{name}.py").write_text(content)
    rng = np.random.default_rng(0)
    for number, color in enumerate(("red", "green", "blue", "dark", "light")):
        folder = outside / "pictures" / color
        folder.mkdir(parents=True)
        for n in range(24):
            pixels = rng.integers(0, 90, (10 + n % 3, 12, 3), dtype=np.uint8)
            pixels[..., number if number < 3 else slice(None)] += 0 if color == "dark" else 120
            Image.fromarray(pixels).save(folder / f"{n}.png")
    return outside


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, outside) -> Checkout:
    """A copy of the checkout to which three files were added."""
    made = Checkout(tmp_path_factory.mktemp("doors"), PYTHONPATH=str(outside))
    for name, content in THREE_FILES.items():
        (made.root / name).write_text(content.format(outside=outside))
    return made


def test_three_added_files_train_a_model_of_ones_own(checkout):
    said = checkout.run("normbench", "train", *MINE, "--save", "scaled.keras")
    assert re.search(r"^weights +[0-9a-f]{64}$", said, re.MULTILINE), said
    assert "MLflow normbench/train: shallow/scaled " in said


@pytest.mark.slow
def test_a_sweep_over_them_ends_with_a_report(checkout):
    before = {file: file.read_bytes() for file in (checkout.root / "conf").rglob("*.yaml")}
    for name, content in TWO_MORE.items():
        (checkout.root / name).write_text(content)
    decoy = checkout.root / "json.py"  # what lies in the current folder stands in for no library
    decoy.write_text("raise RuntimeError('this is not the json that was meant')\n")
    checkout.run("normbench", "compose", "mine")
    checkout.run("normbench", "prepare", "mine")
    said = checkout.run("normbench", "sweep", "mine", "--cluster", "local workers=1")
    assert "sweep: 6 trials, 6 of them trained now" in said
    checkout.run("normbench", "confirm", "mine", "--cluster", "inline")
    checkout.run("normbench", "cost", "mine")
    checkout.run("normbench", "analyze", "mine")
    checkout.run("normbench", "report", "mine")
    decoy.unlink()
    saved = checkout.root / "artifacts/mine/models/mine/colors/shallow/adam/scaled.keras"
    assert saved.is_file()
    page = (checkout.root / "reports/mine/report.html").read_text()
    for name in ("colors", "shallow", "scaled", "batch"):
        assert name in page
    assert all(file.read_bytes() == content for file, content in before.items())


def test_what_does_not_fit_is_one_line_and_a_saved_model_of_ones_own_loads(checkout):
    said = checkout.run("python", "-c", SCRIPT, *MINE, json.dumps(list(REFUSED)), "scaled.keras")
    told, shape = json.loads(said.splitlines()[-1])
    assert shape == [None, 5]
    for override, part in REFUSED.items():
        code, line = told[override]
        assert (code, len(line.splitlines())) == (2, 1), f"{override}: {line}"
        assert part in line, override


@pytest.mark.parametrize(
    ("target", "says"),
    {
        "no_such_project.model.build": "there is no module 'no_such_project'",
        "my_project.broken.build": "broken.py is no Python: line 1: invalid syntax",
        "math.sqrt": "compiled or built into Python",
    }.items(),
)
def test_a_module_that_cannot_be_read_is_one_line_before_anything_is_prepared(
    target, says, checkout
):
    said = checkout.run("normbench", "train", *MINE, f"model._target_={target}", code=2)
    assert len(said.splitlines()) == 1
    assert f"command line: model._target_ names '{target}'" in said
    assert says in said


def test_a_package_in_the_current_folder_is_found_unless_python_is_told_not_to(outside, tmp_path):
    bare = Checkout(tmp_path / "checkout")
    (bare.root / "my_project").symlink_to(outside / "my_project")
    for name, content in THREE_FILES.items():
        (bare.root / name).write_text(content.format(outside=outside))
    ask = ("normbench", "train", *MINE, "dataset.source.path=nowhere")  # asked for after modules
    assert "nowhere" in bare.run(*ask, code=2)
    bare.environment["PYTHONSAFEPATH"] = "1"
    assert "there is no module 'my_project'" in bare.run(*ask, code=2)


def test_a_trials_code_covers_what_its_model_imports_of_its_own_package(outside, monkeypatch):
    def digest() -> str:
        environment.code_digest.cache_clear()
        return environment.code_digest(frozenset({"my_project.shallow"}))

    monkeypatch.syspath_prepend(outside)
    blocks, layers = outside / "my_project" / "blocks.py", outside / "my_project" / "layers.py"
    first = digest()
    blocks.write_text(f"# a comment\n{BLOCKS}")
    layers.write_text(f"{ARM}\nUNUSED = 1\n")
    assert digest() == first
    blocks.write_text(BLOCKS.replace("3, padding", "5, padding"))
    assert digest() != first
    blocks.write_text(BLOCKS)
    environment.code_digest.cache_clear()
