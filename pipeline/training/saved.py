"""Saved models: Keras's own archive, the same bytes whenever the weights are the same.

No trial's answer depends on this module: it is no part of a trial's code.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal, reason_of
from pipeline.training.evaluation import inference
from pipeline.training.forms import takes

UNKNOWN = "Could not locate"  # says Keras of a class or function that nobody registered
SHARED = re.compile(rb'("shared_object_id": )(\d+)')
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip archive can hold


def save_model(model: keras.Model, path: Path) -> None:
    """Write a `.keras` archive without the time at which it was saved, and without addresses."""
    original = io.BytesIO()
    scratch = path.with_name(path.name + ".part.keras")
    try:
        model.save(scratch)
        original.write(scratch.read_bytes())
    finally:
        scratch.unlink(missing_ok=True)
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                metadata = json.loads(content)
                metadata["date_saved"] = "1980-01-01@00:00:00"
                content = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                content = _numbered(content)
            target.writestr(zipfile.ZipInfo(name, EPOCH), content)


def _numbered(config: bytes) -> bytes:
    """Return a configuration whose shared objects are numbered; Keras tells them by addresses."""
    numbers: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return found[1] + numbers.setdefault(found[2], b"%d" % len(numbers))

    return SHARED.sub(number, config)


def load_model(path: Path) -> keras.Model:
    """Return the model of a `.keras` archive; code in it is refused (Keras's safe mode)."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def answers(
    path: Path, examples: NDArray[np.float32], shape: tuple[int, ...], outputs: int
) -> NDArray[np.float32]:
    """Return what a saved model gives for examples.

    Args:
        path: Its archive.
        examples: Of shape (n, *shape).
        shape: Of an example that it should take.
        outputs: How many numbers it should give.

    Returns:
        Shape (n, outputs).

    Raises:
        Refusal: It cannot be loaded, or takes or gives something else.
    """
    try:
        model = load_model(path)
    except Exception as error:  # Keras reads whatever the archive holds
        unknown = "; name the module of its layers: --import MODULE" * (UNKNOWN in str(error))
        reason = f"{reason_of(error)}{unknown}"
        raise Refusal(f"{path}: is no model that can be loaded: {reason}") from None
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise Refusal(f"{path}: holds a {type(model).__name__} that does not say what it takes")
    if not takes(model, shape) or model.output_shape != (None, outputs):
        raise Refusal(
            f"{path}: takes {model.input_shape} and gives {model.output_shape}, but its .json file "
            f"says {(None, *shape)} and {(None, outputs)}: they don't belong together"
        )
    return inference(model)(examples)
