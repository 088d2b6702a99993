"""Saved models: Keras's own archive, the same bytes whenever the weights are the same."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import keras

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip archive can hold


def save_model(model: keras.Model, path: Path) -> None:
    """Write a `.keras` archive without the time at which it was saved."""
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
            target.writestr(zipfile.ZipInfo(name, EPOCH), content)


def load_model(path: Path) -> keras.Model:
    """Return the model of a `.keras` archive; code in it is refused (Keras's safe mode)."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
