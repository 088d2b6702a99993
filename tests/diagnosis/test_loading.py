"""What can be named as MODEL, and what can't: one line each, exit code 2."""

import json
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import zoo
from keras import layers

from pipeline.__main__ import main
from pipeline.diagnosis.loading import load
from pipeline.errors import Refusal

OWN = """
import keras


@keras.saving.register_keras_serializable("mine")
class Doubling(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def build():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(name="norm")(Doubling()(inputs))
    return keras.Model(inputs, x)


def text():
    return "no model"


def failing():
    raise OSError("no such weights")


number = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    healthy = zoo.pictures()
    healthy.save(folder / "healthy.keras")
    zoo.unmoved().save(folder / "unmoved.keras")
    zoo.unmoved().save(folder / "unmoved.h5")
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    plain.save(folder / "plain.keras")
    inputs = keras.Input((4,))
    doubled = layers.Lambda(lambda x: 2 * x, output_shape=(4,))(inputs)
    keras.Model(inputs, doubled).save(folder / "lambda.keras")
    (folder / "my_layers.py").write_text(OWN)
    whole = (folder / "healthy.keras").read_bytes()
    (folder / "truncated.keras").write_bytes(whole[: len(whole) // 2])
    (folder / "truncated.h5").write_bytes((folder / "unmoved.h5").read_bytes()[:500])
    (folder / "pickled.keras").write_bytes(pickle.dumps({"weights": 1}))
    (folder / "renamed.keras").write_bytes((folder / "unmoved.h5").read_bytes())
    (folder / "torch.pt").write_bytes(b"PK")
    with zipfile.ZipFile(folder / "torch.keras", "w") as archive:
        archive.writestr("model/data.pkl", b"")
    (folder / "saved").mkdir()
    (folder / "saved/saved_model.pb").write_bytes(b"")
    (folder / "empty").mkdir()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8, 8, 3)).astype("float32")
    np.savez(folder / "mine.npz", x=x, y=rng.integers(0, 3, 64))
    np.savez(folder / "small.npz", x=x[:, :7], y=rng.integers(0, 3, 64))
    np.savez(folder / "outside.npz", x=x, y=rng.integers(0, 9, 64))
    np.savez(folder / "alone.npz", x=x)
    return folder


@pytest.fixture
def here(folder, monkeypatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


REFUSED = {
    ("nowhere.keras",): "does not exist",
    ("truncated.keras",): "is truncated or no .keras archive",
    ("truncated.h5",): "no model that can be loaded",
    ("pickled.keras",): "is a pickle, and pickles are never loaded",
    ("renamed.keras",): "is an HDF5 file; call it renamed.h5",
    ("torch.pt",): "is a file of PyTorch, not a Keras model",
    ("torch.keras",): "is a file of PyTorch, not a Keras model",
    ("lambda.keras",): "if you trust who made it, say --trust",
    ("saved",): "is a SavedModel, whose layers Keras 3 does not show",
    ("empty",): "is a folder, but no SavedModel",
    ("mine.npz",): "is of no kind that holds a Keras model",
    ("own.keras",): "name the module of its layers: --module MODULE",
    ("own.keras", "--module", "my_layer"): "no module 'my_layer'",
    ("my_layers:text",): "returned builtins.str, not a keras.Model",
    ("my_layers:failing",): "fails: OSError: no such weights",
    ("my_layers:number",): "is a int, not a function",
    ("my_layers:bild",): "did you mean 'build'?",
    ("healthy.keras", "--examples", "small.npz"): "but the model takes (8, 8, 3)",
    ("healthy.keras", "--examples", "outside.npz"): "the model's 3 outputs are for 0 .. 2",
    ("healthy.keras", "--examples", "alone.npz"): "holds no array 'y'",
    ("healthy.keras", "--examples", "none.npz"): "does not exist",
    ("healthy.keras", "--html", "page.txt"): "must be a file NAME.html",
    ("healthy.keras", "--recalibrate", "out.keras"): "needs training examples",
}


@pytest.fixture(scope="module")
def own(folder):
    """A model of a layer that this process does not know when it loads it."""
    code = {"__name__": "elsewhere"}
    exec(OWN, code)
    code["build"]().save(folder / "own.keras")
    keras.saving.get_custom_objects().pop("mine>Doubling")


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_cannot_be_diagnosed_is_one_line(words, here, own, capsys):
    assert main(["diagnose", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert REFUSED[words] in said.err


def test_code_in_a_file_runs_where_it_is_trusted_alone(here):
    with pytest.raises(Refusal, match="--trust"):
        load("lambda.keras")
    assert load("lambda.keras", trust=True).count_params() == 0


def test_a_function_and_a_module_of_layers_lead_to_a_model(here, own):
    assert load("own.keras", modules=["my_layers"]).get_layer("norm")
    assert load("my_layers:build").get_layer("norm")


def test_exit_codes_say_whether_something_was_found(here, capsys):
    assert main(["diagnose", "healthy.keras"]) == 0
    assert "nothing found" in capsys.readouterr().out
    assert main(["diagnose", "plain.keras"]) == 0
    assert "has no normalization layer" in capsys.readouterr().out
    for name in ("unmoved.keras", "unmoved.h5"):
        assert main(["diagnose", name]) == 1
        said = capsys.readouterr().out
        assert "averages-at-start" in said
        assert "norm" in said


def test_json_is_what_its_schema_says(here, capsys):
    assert main(["diagnose", "unmoved.keras", "--examples", "mine.npz", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert main(["diagnose", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(said) == set(schema["properties"]) == set(schema["required"])
    assert said["form"] == 1
    finding = schema["$defs"]["Finding"]["properties"]
    assert all(set(each) == set(finding) for each in said["findings"])
    assert said["measured"]["examples"] == 64


def test_the_page_and_the_mended_model_are_written(here, capsys):
    words = ["--examples", "mine.npz", "--html", "page.html", "--recalibrate", "mended.keras"]
    assert main(["diagnose", "unmoved.keras", *words]) == 1
    said = capsys.readouterr().out
    assert re.search(r"mended\.keras has population statistics: share right \S+ before", said)
    page = Path("page.html").read_text()
    assert '<td role="cell" data-label="What to do">' in page  # a card on a phone
    assert "averages-at-start" in page
    assert "What examples told" in page
    assert main(["diagnose", "mended.keras"]) == 0
    assert not np.array_equal(load("mended.keras").get_layer("norm").moving_mean, np.zeros(6))


def test_help_comes_at_once():
    script = (
        "import sys\n"
        "from pipeline.__main__ import main\n"
        "try:\n    main(['diagnose', '--help'])\nexcept SystemExit as end:\n"
        "    assert end.code == 0\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.slow
def test_the_room_needs_no_configuration_no_pipeline_and_no_tracker():
    script = (
        "import sys\n"
        "from pipeline.diagnosis import NormWatch, diagnose, recalibrate\n"
        "heavy = {'hydra', 'dvc', 'mlflow', 'optuna', 'dask', 'omegaconf'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
