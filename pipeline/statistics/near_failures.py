"""Which side fails more often around a place: exact tests, for all places at once.

Around each place stand its nearest blocks, as many everywhere, chosen by where
the blocks are and never by what came out. Among them the blocks in which
one side alone failed are tested as McNemar does, by the binomial law. One
threshold for every place keeps the chance of any false word at a share: it is
found from the places alone, by tossing coins for the blocks, however many of
them count. So worse evidence can only raise a p value, and never helps.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.statistics.samples import Floats

NEAR = 16  # blocks around a place: few enough to stay local, enough for a small p value
DENSITIES = (1.0, 0.75, 0.5, 0.25)  # shares of blocks in which one side alone fails
DRAWS = 4_000


def nearest(places: Floats, at: Floats, count: int = NEAR) -> NDArray[np.bool_]:
    """Say which blocks are among the nearest to each place, shape (at, blocks)."""
    count = min(count, len(places))
    apart = np.linalg.norm(at[:, None, :] - places[None, :, :], axis=2)
    chosen = np.zeros(apart.shape, np.bool_)
    order = np.argsort(apart, axis=1, kind="stable")[:, :count]
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen


def one_sided(more: NDArray[np.int64], fewer: NDArray[np.int64]) -> Floats:
    """Exact p values that the first side fails more often, of counts of blocks, any shape."""
    return np.asarray(scipy.stats.binom.sf(more - 1, more + fewer, 0.5), np.float64)


def threshold(near: NDArray[np.bool_], *, error: float) -> float:
    """Largest p value that is told, so that any false word has at most this chance.

    Args:
        near: Which blocks are around each place, shape (places, blocks).
        error: Chance of one or more false words, of both directions.
    """
    generator = np.random.default_rng(0)  # a constant of the method
    around = np.unique(near, axis=0).astype(np.float64).T
    counts = np.arange(int(around.sum(axis=0).max(initial=0)) + 1)
    chances = one_sided(counts[:, None], counts[None, :])  # of every pair of counts there can be
    smallest = []
    for density in DENSITIES:
        shape = (DRAWS, around.shape[0])
        signs = np.where(generator.random(shape) < 0.5, 1.0, -1.0)
        signs *= generator.random(shape) < density
        ups = np.rint((signs > 0) @ around).astype(np.int64)
        downs = np.rint((signs < 0) @ around).astype(np.int64)
        worst = np.minimum(chances[ups, downs], chances[downs, ups]).min(axis=1)
        smallest.append(_largest(np.sort(worst), error))
    return min(smallest)


def _largest(sorted_chances: Floats, error: float) -> float:
    """The largest value that at most a share of these reach, ties counted."""
    allowed = int(error * len(sorted_chances))
    return float(np.nextafter(sorted_chances[allowed], 0))
