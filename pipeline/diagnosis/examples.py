"""A user's examples: read from an archive, and held against what a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.data.archive import opened_npz, read_npz
from pipeline.diagnosis.passes import Array
from pipeline.errors import Refusal

ELSEWHERE = ("x_validation", "y_validation")


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples and targets, shape (n, ...) each; `targets` are absent where nobody knows them."""

    examples: Array
    targets: Array | None


@dataclass(frozen=True, eq=False)
class Data:
    """What statistics are computed over, and what is scored; the same where there is no other."""

    training: Examples
    scored: Examples


def read_examples(file: Path) -> Data:
    """Return the arrays x and y of an archive, and x_validation and y_validation if it has them.

    Raises:
        Refusal: The archive or an array is missing or damaged.
    """
    with opened_npz(file, ["x"]) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist()}
    keys = [key for key in ("x", "y", *ELSEWHERE) if key in names]
    arrays = read_npz(file, keys)
    if "y" not in arrays:
        raise Refusal(f"{file}: holds no array 'y', the targets; numpy.savez(file, x=..., y=...)")
    training = Examples(arrays["x"], arrays["y"])
    if not set(ELSEWHERE) <= set(arrays):
        return Data(training, training)
    return Data(training, Examples(*(arrays[key] for key in ELSEWHERE)))


def checked(model: keras.Model, given: Examples) -> Examples:
    """Return examples in the type that the model takes.

    Raises:
        Refusal: There are none, they are of another shape, or not as many as their targets.
    """
    examples = np.asarray(given.examples)
    targets = None if given.targets is None else np.asarray(given.targets)
    if examples.dtype.kind not in "iufb" or not examples.size or examples.ndim < 2:
        raise Refusal(
            f"the examples are {examples.dtype} of shape {examples.shape}: numbers of shape "
            "(n, ...) are needed, one row for each example"
        )
    if targets is not None and len(targets) != len(examples):
        raise Refusal(f"there are {len(examples)} examples, but {len(targets)} targets")
    if examples.dtype.kind == "f" and not np.isfinite(examples).all():
        raise Refusal("the examples hold numbers that are not finite: remove or impute them")
    shape, dtype = _taken(model)
    if shape is not None and not _fits(examples.shape[1:], shape):
        raise Refusal(
            f"the examples are of shape {examples.shape[1:]}, but the model takes {shape}"
        )
    return Examples(examples.astype(dtype or _plain(examples), copy=False), targets)


def _taken(model: keras.Model) -> tuple[tuple[int | None, ...] | None, str | None]:
    """Return the shape and type of an example that a model takes, as far as it says."""
    inputs: Any = getattr(model, "inputs", None)
    if not inputs:
        return None, None
    if len(inputs) > 1:
        raise Refusal(f"the model takes {len(inputs)} inputs; examples of one can be given")
    return tuple(inputs[0].shape[1:]), str(inputs[0].dtype)


def _fits(shape: tuple[int, ...], taken: tuple[int | None, ...]) -> bool:
    return len(shape) == len(taken) and all(
        known is None or known == size for known, size in zip(taken, shape, strict=True)
    )


def _plain(examples: Array) -> str:
    return "float32" if examples.dtype.kind == "f" else str(examples.dtype)
