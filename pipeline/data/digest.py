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


def array_digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's canonical form, 64 hexadecimal digits.

    The form is one ASCII line with the little-endian dtype and the shape, such
    as `|u1 (5000, 28, 28, 1)`, and then the elements in C order.
    """
    canonical = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    found = hashlib.sha256(f"{canonical.dtype.str} {array.shape}\n".encode())
    found.update(canonical.data)
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
    found = arrays_digest(arrays)
    if found != expected:
        raise Refusal(
            f"{place}: these are not the published images: expected digest "
            f"{expected[:SHOWN]}, found {found[:SHOWN]}; replace the file, or give other images "
            "a YAML of their own in conf/dataset"
        )
