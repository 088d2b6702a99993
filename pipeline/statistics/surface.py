"""A response surface over two factors, and a band that holds everywhere at once.

A polynomial in both factors is fitted by least squares. Its variance is HC3
(MacKinnon and White, 1985): noise may differ from place to place, and a block of
great leverage counts as the witness it is. The band is as wide as the largest of
all errors asks for, found by a wild bootstrap that studentizes each draw (Wu,
1986; Davidson and Flachaire, 2008).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.statistics.samples import Floats

# Powers of either factor: what errors do at large rates needs the fourth.
TERMS = ((0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (0, 1), (0, 2), (1, 1), (2, 1), (1, 2))
LEAST = 2 * len(TERMS)  # blocks that a surface is fitted to
DRAWS = 1_000


@dataclass(frozen=True)
class Surface:
    """Coefficients, their covariance, and how many standard errors the band is wide.

    Attributes:
        coefficients: Of `TERMS`, shape (terms,).
        covariance: HC3, shape (terms, terms).
        widening: Standard errors to either side of the fit, everywhere at once.
        noise: Variance of one block about the surface.
        blocks: How many it was fitted to.
    """

    coefficients: Floats
    covariance: Floats
    widening: float
    noise: float
    blocks: int

    def band(self, places: Floats) -> tuple[Floats, Floats, Floats]:
        """Fit, lower and upper limit at places in the unit square, shape (places,) each."""
        terms = _terms(places)
        fit = terms @ self.coefficients
        half = self.widening * np.sqrt(np.einsum("ij,jk,ik->i", terms, self.covariance, terms))
        return fit, fit - half, fit + half

    def with_further(self, place: Floats, blocks: int) -> Surface:
        """Return the surface after so many more blocks at a place that agree with it."""
        terms = _terms(place[None])[0]
        along = self.covariance @ terms
        shrink = np.outer(along, along) / (self.noise / blocks + terms @ along)
        return replace(self, covariance=self.covariance - shrink)


def fitted(places: Floats, values: Floats, *, over: Floats, level: float) -> Surface | None:
    """Fit a surface; None where blocks are too few or stand too much alike for it.

    Args:
        places: Of each block in the unit square, shape (blocks, 2); blocks are independent.
        values: What was seen there, shape (blocks,).
        over: Where the band must hold, shape (places, 2).
        level: Of the band, over all of `over` at once.
    """
    terms = _terms(places)
    if len(values) < LEAST or np.linalg.matrix_rank(terms) < len(TERMS):
        return None
    solve: Floats = np.asarray(np.linalg.pinv(terms), np.float64)
    leverage = np.minimum(np.einsum("ij,ji->i", terms, solve), 0.999)
    coefficients: Floats = solve @ values
    residuals = values - terms @ coefficients
    scaled = residuals / (1 - leverage)
    covariance: Floats = (solve * scaled**2) @ solve.T
    weights = _terms(over) @ solve
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(values), DRAWS))  # fixed by method
    drawn = scaled[:, None] * signs
    again = (drawn - terms @ (solve @ drawn)) / (1 - leverage)[:, None]
    errors = np.sqrt(weights**2 @ again**2)
    seen = errors > 0
    ratios = np.divide(np.abs(weights @ drawn), errors, out=np.zeros_like(errors), where=seen)
    return Surface(
        coefficients=coefficients,
        covariance=covariance,
        widening=float(np.quantile(ratios.max(axis=0), level)),
        noise=float(residuals @ residuals) / (len(values) - len(TERMS)),
        blocks=len(values),
    )


def _terms(places: Floats) -> Floats:
    centred = 2 * np.asarray(places, np.float64) - 1
    return np.stack([centred[:, 0] ** i * centred[:, 1] ** j for i, j in TERMS], axis=1)
