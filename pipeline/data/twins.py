"""Examples that are the same to the last bit in two splits: a leak, whoever put them there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES = 16  # of a digest: two different examples share one about never


class Twins:
    """Notes what passes by, split by split; 16 bytes an example."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._digests: dict[str, bytearray] = {}

    def seen(self, split: str, pieces: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Yield the pieces of a split's examples as they are, noted."""
        noted = self._digests.setdefault(split, bytearray())
        for piece in pieces:
            for row in np.ascontiguousarray(piece):
                noted += hashlib.blake2b(row.data, digest_size=BYTES).digest()
            yield piece

    def across(self) -> str:
        """Return how many examples stand in two splits, in one line; nothing where none does."""
        whole = {
            split: np.frombuffer(bytes(noted), np.dtype((np.void, BYTES)))
            for split, noted in self._digests.items()
        }
        parts = []
        for first, second in combinations(whole, 2):
            count = int(np.isin(whole[second], whole[first]).sum())
            if count:
                parts.append(f"{count} of {len(whole[second])} in {second} are in {first} too")
        if not parts:
            return ""
        return (
            f"exact duplicates across splits: {', '.join(parts)}; what is scored on them was seen "
            "in training, or counts twice: remove them from the source"
        )
