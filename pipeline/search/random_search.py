"""Independent draws, even on each dimension's scale: the baseline of every search."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from pipeline.records import Result
from pipeline.search.proposal import Proposal
from pipeline.search.space import at
from pipeline.studies import Study


class RandomSearch:
    """Proposals of one study: draw n is seeded by (design seed, study name, n)."""

    def __init__(self, study: Study) -> None:
        """Begin at draw 0."""
        self._study = study
        self._asked = 0

    def propose(self, _: Sequence[Result]) -> Proposal:
        """Return the next draw; results don't matter."""
        name = zlib.crc32(self._study.name.encode())
        rng = np.random.default_rng([self._study.design.seed, name, self._asked])
        self._asked += 1
        space = sorted(self._study.space.items())
        return Proposal({name: at(dimension, float(rng.random())) for name, dimension in space})
