"""MODEL on the command line -> a Keras model; what can't be one is refused in one line."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from pipeline.components import resolve
from pipeline.errors import Refusal, reason_of
from pipeline.prints import in_one_line

UNKNOWN = "Could not locate"  # says Keras of what nobody registered
UNKNOWN_H5 = "Unknown "  # says Keras's older reader
UNSAFE = ("safe_mode", "unsafe", "Lambda")
OTHERS = {
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".ckpt": "PyTorch or TensorFlow 1",
    ".safetensors": "safetensors",
    ".onnx": "ONNX",
    ".pb": "TensorFlow 1",
    ".tflite": "TensorFlow Lite",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
}
HDF5 = b"\x89HDF\r\n\x1a\n"
WAYS = "name a .keras, .h5 or .hdf5 file, or package.module:function"


def load(model: str, *, modules: Sequence[str] = (), trust: bool = False) -> keras.Model:
    """Return the model that a path or `package.module:function` leads to.

    Args:
        model: A `.keras` archive, a legacy HDF5 file, or a function that takes nothing.
        modules: Dotted paths of modules that register its layers.
        trust: Whether code inside the file may run.

    Raises:
        Refusal: It cannot be loaded, or is no Keras model.
    """
    keras.utils.set_random_seed(0)  # what a user's layer draws, it draws the same each time
    for module in modules:
        resolve(module)
    path = Path(model)
    if not path.exists() and ":" in model:
        return _built(model)
    if path.is_dir():
        raise _folder(path)
    if not path.exists():
        raise Refusal(f"{model}: does not exist; {WAYS}")
    if path.suffix in OTHERS:
        raise Refusal(f"{path}: is a file of {OTHERS[path.suffix]}, not a Keras model; {WAYS}")
    _check_form(path)
    return _loaded(path, trust=trust)


def _check_form(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(8)
    if path.suffix in (".h5", ".hdf5"):
        if start != HDF5:
            raise Refusal(f"{path}: is truncated or no HDF5 file; save or copy it again")
        return
    if path.suffix != ".keras":
        raise Refusal(f"{path}: is of no kind that holds a Keras model; {WAYS}")
    if start == HDF5:
        raise Refusal(f"{path}: is an HDF5 file; call it {path.with_suffix('.h5').name}")
    if start[:1] == b"\x80":
        raise Refusal(f"{path}: is a pickle, and pickles are never loaded; model.save('m.keras')")
    if not zipfile.is_zipfile(path):
        raise Refusal(f"{path}: is truncated or no .keras archive; save or copy it again")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("data.pkl") for name in names):
        raise Refusal(f"{path}: is a file of PyTorch, not a Keras model; {WAYS}")
    if "config.json" not in names:
        raise Refusal(f"{path}: holds no config.json, so it is no .keras archive; {WAYS}")


def _loaded(path: Path, *, trust: bool) -> keras.Model:
    """Load with what it was compiled with, which tells the optimizer, or else without."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on optimizers whose variables are not found
            try:
                return keras.saving.load_model(path, safe_mode=not trust)
            except Exception:  # of its loss, its metrics, or of all: the second try tells
                return keras.saving.load_model(path, compile=False, safe_mode=not trust)
    except Exception as error:  # Keras reads whatever the file holds
        raise _unloaded(path, error) from None


def _unloaded(path: Path, error: Exception) -> Refusal:
    said = str(error)
    if UNKNOWN in said or said.startswith(UNKNOWN_H5):
        way = "name the module of its layers: --module MODULE"
        return Refusal(f"{path}: holds a layer that nobody registered; {way} ({reason_of(error)})")
    if any(word in said for word in UNSAFE):
        return Refusal(
            f"{path}: holds Python code, such as a Lambda layer; if you trust who made it, say "
            "--trust, and the code runs"
        )
    return Refusal(f"{path}: is no model that can be loaded: {reason_of(error)}")


def _folder(path: Path) -> Refusal:
    if (path / "saved_model.pb").is_file():
        return Refusal(
            f"{path}: is a SavedModel, whose layers Keras 3 does not show; where it was made, "
            "save it by model.save('model.keras') and name that file"
        )
    return Refusal(f"{path}: is a folder, but no SavedModel; {WAYS}")


def _built(model: str) -> keras.Model:
    place, _, name = model.rpartition(":")
    function: Any = resolve(f"{place}.{name}")
    if not callable(function):
        raise Refusal(f"{model}: is a {type(function).__name__}, not a function")
    try:
        with in_one_line(place):
            found = function()
    except Exception as error:  # a user's function may fail in any way
        raise Refusal(f"{model}: fails: {reason_of(error)}") from error
    if not isinstance(found, keras.Model):
        kind = f"{type(found).__module__}.{type(found).__name__}"
        raise Refusal(f"{model}: returned {kind}, not a keras.Model")
    return found
