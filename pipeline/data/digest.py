"""The identity of arrays: the same digest on every machine and from every file format."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.content import content_digest
from pipeline.errors import Refusal

SHOWN = 12  # digits of a digest that a line shows


class RunningDigest:
    """`array_digest` of an array that comes piece by piece, in the order of its rows.

    Args:
        dtype: The array's.
        shape: The whole array's.
    """

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._dtype = dtype.newbyteorder("<")
        self._found = hashlib.sha256(f"{self._dtype.str} {shape}\n".encode())

    def update(self, piece: NDArray[Any]) -> None:
        """Add the next rows."""
        self._found.update(np.ascontiguousarray(piece, dtype=self._dtype).data)

    def update_bytes(self, piece: bytes) -> None:
        """Add the next elements, little-endian and in C order."""
        self._found.update(piece)

    def hexdigest(self) -> str:
        """Return the digest, 64 hexadecimal digits."""
        return self._found.hexdigest()


def array_digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's canonical form, 64 hexadecimal digits.

    The form is one ASCII line with the little-endian dtype and the shape, such
    as `|u1 (5000, 28, 28, 1)`, and then the elements in C order.
    """
    found = RunningDigest(array.dtype, array.shape)
    found.update(array)
    return found.hexdigest()


def arrays_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return one digest over named arrays, whatever their order."""
    return content_digest({name: array_digest(array) for name, array in arrays.items()})


def check_digest(arrays: Mapping[str, NDArray[Any]], expected: str, place: object) -> None:
    """Refuse arrays that are not the expected ones.

    Args:
        arrays: The decoded arrays by name.
        expected: What `arrays_digest` must return.
        place: Where they were read, and what to do about it: the start of the message.

    Raises:
        Refusal: The digests differ; the message shows how both begin.
    """
    check_found(arrays_digest(arrays), expected, place)


def check_found(found: str, expected: str, place: object) -> None:
    """Refuse what has another digest than the expected one.

    Raises:
        Refusal: The digests differ; the message shows how both begin.
    """
    if found != expected:
        raise Refusal(
            f"{place}: these are not the published data: expected digest "
            f"{str(expected)[:SHOWN]}, found {found[:SHOWN]}; replace the file, or give other "
            "data a YAML of their own in conf/dataset"
        )
