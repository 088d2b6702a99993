"""A saved model asked about files: a label and its probability, or numbers, for each example."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.components import resolve
from pipeline.data.arrays import manifest_at
from pipeline.data.reading import examples_of
from pipeline.errors import Refusal
from pipeline.execution.work import loaded_answers
from pipeline.records import Manifest
from pipeline.stages.files import beside


def run(model: Path, files: Sequence[str], *, modules: Sequence[str]) -> None:
    """Print a line for each example of the files: its name, and what the model says of it.

    Args:
        model: A .keras file that `confirm` or `train --save` wrote, its .json file beside it.
        files: Pictures, tables, or arrays.
        modules: Dotted paths of modules whose layers the model is made of.

    Raises:
        Refusal: The model or a file cannot be read, or they don't fit.
    """
    if not model.is_file():
        raise Refusal(f"{model}: is no file; name a .keras file, such as one of artifacts/")
    manifest = manifest_at(
        beside(model), "it lies beside its model and says how files are read; copy both together"
    )
    for module in modules:
        resolve(module)
    named = [each for file in files for each in examples_of(file, manifest)]
    examples = np.stack([example for _, example in named])
    found = loaded_answers(model, examples, manifest)
    for (name, _), outputs in zip(named, found.astype(np.float64), strict=True):
        print(f"{name}  {_said(outputs, manifest)}")


def _said(outputs: NDArray[np.float64], manifest: Manifest) -> str:
    """Return what a model's outputs for one example mean."""
    if not np.isfinite(outputs).all():
        return "not finite"
    if not manifest.labels:
        mean, deviation = manifest.inputs.unit or (0.0, 1.0)
        return " ".join(f"{output * deviation + mean:.6g}" for output in outputs)
    shares = np.exp(outputs - outputs.max())
    shares /= shares.sum()
    most = int(shares.argmax())
    return f"{manifest.labels[most]}  {shares[most]:.4f}"
