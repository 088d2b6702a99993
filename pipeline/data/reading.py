"""Files from anywhere, read as a dataset's examples were: what a saved model is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.archive import opened_npz, read_npz
from pipeline.data.arrays import HEADER
from pipeline.data.columns import Numbers, Texts, numbers, texts
from pipeline.data.features import check_complete, encoded
from pipeline.data.paths import file_at, shown, unreadable
from pipeline.data.pictures import COLORS, decoded, quiet_decoders
from pipeline.data.source import check_finite
from pipeline.data.table_file import Table, read_table
from pipeline.errors import Refusal
from pipeline.records import Manifest

ARRAYS = (".npy", ".npz")
KEY = "the model"
KINDS = {"uint8": "bytes, 0 to 255", "float32": "floating-point numbers"}

Example = tuple[str, NDArray[np.float32]]


def examples_of(path: str, manifest: Manifest) -> list[Example]:
    """Return a file's examples as the model takes them, each with a name for it.

    A picture is one example; an array is one, or holds them along its first axis; so does an
    archive that holds one array. Tables are CSV or Parquet: a row is an example.

    Args:
        path: The file.
        manifest: Of the dataset that the model was trained on.

    Raises:
        Refusal: It is missing, damaged, or not of the form of the model's examples.
    """
    file = file_at(path, "a file of examples")
    is_array = file.suffix.lower() in ARRAYS
    if is_array and not manifest.inputs.columns:
        examples = _used(_shaped(_array(file), manifest, file), manifest)
        return [(f"{shown(file)}[{row}]", each) for row, each in enumerate(examples)]
    if len(manifest.shape) == 3 and not is_array:
        return [(shown(file), _used(_picture(file, manifest), manifest))]
    if len(manifest.shape) == 1 and not is_array:
        table = read_table(str(file))
        rows = _rows(table, manifest)
        return [(f"{shown(file)}:{row + table.first_row}", each) for row, each in enumerate(rows)]
    due = "a table with its columns" if manifest.inputs.columns else "an .npy or .npz file"
    raise Refusal(f"{shown(file)}: the model was trained on {manifest.name}; give {due}")


def _used(found: NDArray[Any], manifest: Manifest) -> NDArray[np.float32]:
    return found.astype(np.float32) * np.float32(manifest.scale)


def _picture(file: Path, manifest: Manifest) -> NDArray[np.uint8]:
    height, width, channels = manifest.shape
    kinds = [name for name, color in COLORS.items() if color.channels == channels]
    if not kinds or manifest.inputs.dtype != "uint8":
        raise Refusal(
            f"{shown(file)}: {manifest.name} is of shape {manifest.shape} and "
            f"{manifest.inputs.dtype}, which no picture's file holds; give an .npy or .npz file"
        )
    try:
        with quiet_decoders():
            return decoded(file, (height, width), kinds[0], manifest.inputs.ground)
    except ValueError as error:
        raise Refusal(f"{shown(file)}: cannot be decoded: {error}") from None


def _array(file: Path) -> NDArray[Any]:
    if file.suffix.lower() == ".npz":
        with opened_npz(file, []) as archive:
            keys = [name.removesuffix(".npy") for name in archive.namelist()]
        if len(keys) != 1:
            raise Refusal(
                f"{shown(file)}: holds {len(keys)} arrays ({', '.join(keys[:5])}); save the "
                "examples alone"
            )
        return read_npz(file, keys)[keys[0]]
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except OSError as error:
        raise unreadable(file, error) from None
    except (EOFError, *HEADER):
        raise Refusal(
            f"{shown(file)}: is damaged, pickled or no .npy file; save it by numpy.save as plain "
            "numbers"
        ) from None
    except MemoryError:
        raise Refusal(f"{shown(file)}: does not fit into memory; save fewer examples") from None


def _shaped(found: NDArray[Any], manifest: Manifest, file: Path) -> NDArray[Any]:
    """Return an array as examples of the dataset's shape and kind of numbers."""
    forms = [manifest.shape]
    if len(manifest.shape) > 1 and manifest.shape[-1] == 1:
        forms.append(manifest.shape[:-1])
    is_bytes = manifest.inputs.dtype == "uint8"
    kind_fits = found.dtype == np.uint8 if is_bytes else found.dtype.kind == "f"
    if not kind_fits or not any(form in (found.shape, found.shape[1:]) for form in forms):
        raise Refusal(
            f"{shown(file)}: holds {found.dtype} {found.shape}; {manifest.name} is of "
            f"{KINDS[manifest.inputs.dtype]}, of shape {manifest.shape} or (n, ...)"
        )
    with np.errstate(over="ignore"):  # an infinity is refused as such
        examples = found.reshape(-1, *manifest.shape).astype(manifest.inputs.dtype)
    check_finite(examples, shown(file))
    return examples


def _rows(table: Table, manifest: Manifest) -> NDArray[np.float32]:
    columns = manifest.inputs.columns
    if not columns:
        return _unnamed(table, manifest)
    values: dict[str, Numbers | Texts] = {}
    for column in columns:
        read = _numbers if column.levels is None else _texts
        values[column.name] = read(table, column.name)
        if column.fill is None:
            check_complete(table, column.name, values[column.name], "fill it in")
    return encoded(table, columns, values)


def _unnamed(table: Table, manifest: Manifest) -> NDArray[np.float32]:
    """Return rows whose columns nobody named: in the file's order."""
    names: Sequence[str] = table.names
    if manifest.inputs.dtype != "float32" or len(names) != manifest.shape[0]:
        raise Refusal(
            f"{shown(table.file)}: has {len(names)} columns; an example of {manifest.name} is "
            f"{manifest.shape[0]} {KINDS[manifest.inputs.dtype]}"
        )
    found = []
    for name in names:
        values = _numbers(table, name)
        check_complete(table, name, values, "fill it in")
        found.append(values)
    with np.errstate(over="ignore"):  # an infinity is refused as such
        rows = np.stack(found, axis=1).astype(np.float32)
    check_finite(rows, shown(table.file))
    return rows


def _numbers(table: Table, name: str) -> Numbers:
    return numbers(table, name, KEY, "the model takes numbers here")


def _texts(table: Table, name: str) -> Texts:
    return texts(table, name, KEY)
