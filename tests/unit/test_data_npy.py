"""An array written piece by piece is the file that numpy.save writes, with the array's digest."""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.digest import array_digest
from pipeline.data.npy import stored_digest, write_pieces

ARRAYS = {
    "bytes": np.arange(60, dtype=np.uint8).reshape(10, 3, 2, 1),
    "labels": np.arange(10),
    "floats": np.linspace(0, 1, 40, dtype=np.float32).reshape(10, 4),
    "transposed": np.arange(60, dtype=np.uint8).reshape(10, 3, 2).transpose(0, 2, 1),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("step", [1, 3, 100])
def test_pieces_make_the_bytes_of_numpy_save_and_the_digest_of_the_whole(
    tmp_path: Path, name: str, step: int
) -> None:
    array = ARRAYS[name]
    pieces = [array[start : start + step] for start in range(0, len(array), step)]
    digest = write_pieces(tmp_path / "pieces.npy", pieces, array.dtype, array.shape)
    np.save(tmp_path / "whole.npy", np.ascontiguousarray(array))
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert digest == array_digest(array) == stored_digest(tmp_path / "pieces.npy")


def test_what_follows_the_array_in_its_file_changes_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "array.npy"
    digest = write_pieces(file, [ARRAYS["labels"]], np.dtype(np.int64), (10,))
    file.write_bytes(file.read_bytes() + b"x")
    assert stored_digest(file) != digest


@pytest.mark.parametrize("kept", [0, 5, 9, 70, 150])
def test_a_truncated_file_has_no_digest(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "array.npy"
    write_pieces(file, [ARRAYS["labels"]], np.dtype(np.int64), (10,))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises((ValueError, EOFError, OSError, tokenize.TokenError)):
        stored_digest(file)
