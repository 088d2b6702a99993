"""Scrambled Sobol points, shared by the arms of a cell: each point is a paired comparison.

Arms differ in the dimensions of their norm layers alone. Those stand last, and
every study draws from a sequence of the same width, so that all arms see the
same values of what they have in common (Owen, "Scrambling Sobol' and
Niederreiter-Xing points", 1998).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from pipeline.records import Result
from pipeline.search.proposal import Proposal
from pipeline.search.space import at
from pipeline.studies import Study

WIDTH = 32  # coordinates drawn, whatever a study uses: the scramble depends on how many there are
OWN = "norm."  # dimensions that an arm may have for itself


class Sobol:
    """Proposals of one study: the points of the sequence, in order."""

    def __init__(self, study: Study) -> None:
        """Begin at point 0.

        Raises:
            ValueError: The space has more dimensions than the sequence.
        """
        self._space = study.space
        self._names = sorted(study.space, key=lambda name: (name.startswith(OWN), name))
        if len(self._names) > WIDTH:
            raise ValueError(f"takes {WIDTH} dimensions, {study.name} has {len(self._names)}")
        self._seeds = [study.design.seed, zlib.crc32(study.cell_name.encode())]

    @cached_property
    def _sequence(self) -> Any:
        """Drawn from the first proposal on: to compose a study asks for none."""
        rng = np.random.default_rng(self._seeds)
        return scipy.stats.qmc.Sobol(WIDTH, scramble=True, rng=rng)

    def propose(self, _: Sequence[Result]) -> Proposal:
        """Return the next point; results don't matter."""
        (point,) = self._sequence.random(1)
        drawn = zip(self._names, point[: len(self._names)], strict=True)
        return Proposal({name: at(self._space[name], float(unit)) for name, unit in drawn})
