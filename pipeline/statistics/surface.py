"""A response surface over two factors, and a band that holds everywhere at once.

A polynomial in both factors is fitted by least squares, each block weighed by the
inverse of its variance, which is a log-linear function of the factors. Whether or not
the weights are right, the variance is HC3 (MacKinnon and White, 1985; Romano and Wolf,
2017). The band is as wide as the largest of all errors asks for, found by a wild
bootstrap that studentizes each draw (Wu, 1986; Davidson and Flachaire, 2008).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from pipeline.statistics.samples import Floats

# Powers of either factor: what errors do at large rates needs the fourth.
TERMS = ((0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (0, 1), (0, 2), (1, 1), (2, 1), (1, 2))
LEAST = 2 * len(TERMS)  # blocks that a surface is fitted to
DRAWS = 1_000
ROUNDS = 3  # of weights and residuals in turn


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
        if not self.noise:  # nothing is left to settle
            return self
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
    scale = np.sqrt(_variances(places, terms, values))
    terms, values = terms / scale[:, None], values / scale
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
        noise=float(np.mean((residuals * scale) ** 2)),
        blocks=len(values),
    )


def _variances(places: Floats, terms: Floats, values: Floats) -> Floats:
    """Variance of each block up to a factor, log-linear in the factors, by regularized likelihood.

    The slopes' prior, a standard deviation of 1 on axes from -1 to 1, keeps a few
    residuals that are small by chance from becoming great weights.
    """
    along = np.column_stack([np.ones(len(places)), 2 * places - 1])
    variances = np.ones(len(values))
    for _ in range(ROUNDS):
        scale = np.sqrt(variances)
        weighed = terms / scale[:, None]
        solve: Floats = np.asarray(np.linalg.pinv(weighed), np.float64)
        free = np.maximum(1 - np.einsum("ij,ji->i", weighed, solve), 0.05)
        squares = (values - terms @ (solve @ (values / scale))) ** 2 / free
        if not (mean := float(squares.mean())):
            return np.ones(len(values))
        parts = squares / mean

        def loss(slopes: Floats, parts: Floats = parts) -> tuple[float, Floats]:
            logs = along @ slopes
            pulled = np.concatenate([[0.0], slopes[1:]])
            part = parts * np.exp(-logs)
            value = float((logs + part).sum() / 2 + pulled @ pulled / 2)
            return value, along.T @ (1 - part) / 2 + pulled

        found = scipy.optimize.minimize(loss, np.zeros(along.shape[1]), jac=True, method="L-BFGS-B")
        variances = np.exp(along @ found.x)
    return np.asarray(variances, np.float64)


def _terms(places: Floats) -> Floats:
    centred = 2 * np.asarray(places, np.float64) - 1
    return np.stack([centred[:, 0] ** i * centred[:, 1] ** j for i, j in TERMS], axis=1)
