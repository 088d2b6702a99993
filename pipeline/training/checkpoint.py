"""Weights apart from any model: names, types, shapes and bytes, and the digest that tells them.

A file of them is one line of JSON that lists them, then their bytes in that order. It is read
without TensorFlow: whoever holds an answer can see whether the weights are those it ended with.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.content import canonical_json

END = b"\n"


@dataclass(frozen=True)
class Weight:
    """One variable's value; `data` are its bytes in C order."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


Weights = tuple[Weight, ...]


def digest_of(weights: Iterable[Weight]) -> str:
    """Return the SHA-256 of weights: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for each in weights:
        digest.update(f"{each.path} {each.dtype} {each.shape}\n".encode())
        digest.update(each.data)
    return digest.hexdigest()


def packed(weights: Weights) -> bytes:
    """Return a file's content."""
    listed = [[each.path, each.dtype, list(each.shape), len(each.data)] for each in weights]
    return canonical_json(listed).encode() + END + b"".join(each.data for each in weights)


def unpacked(content: bytes) -> Weights:
    """Return the weights of a file's content.

    Raises:
        ValueError: It is no such file, or was cut short.
    """
    line, _, data = content.partition(END)
    found, start = [], 0
    try:
        for path, dtype, shape, size in json.loads(line):
            found.append(Weight(path, dtype, tuple(shape), data[start : start + size]))
            start += size
    except (ValueError, TypeError, RecursionError):
        start = -1
    if start != len(data):
        raise ValueError("holds no whole list of weights")
    return tuple(found)


def numbered(paths: Iterable[str]) -> Iterator[str]:
    """Yield paths as they are; where some are the same, numbered from the second."""
    seen = Counter[str]()
    for path in paths:
        seen[path] += 1
        yield path if seen[path] == 1 else f"{path}/{seen[path]}"
