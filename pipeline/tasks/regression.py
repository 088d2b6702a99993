"""Regression: numbers against numbers, scored by R2, the explained share of their variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import Refusal
from pipeline.records import Component, Manifest
from pipeline.tasks.scoring import Floats, Outcome, Outputs

Numbers = NDArray[np.float32]
PACKED = np.dtype("<f4")
DIGITS = 2 * PACKED.itemsize  # hexadecimal ones, of one example
SMALLEST = float(np.finfo(np.float64).tiny)


class Regression:
    """Each output is a number of its own; those of one example weigh alike, as they come.

    With several outputs, R2 is one less the ratio of mean squared error and mean variance.
    """

    loss = Component(target="keras.losses.MeanSquaredError", arguments={})
    tally = "keras.losses.mean_squared_error"

    def check(self, manifest: Manifest) -> None:
        """Refuse a dataset of classes.

        Raises:
            Refusal: Its targets are labels.
        """
        if manifest.labels:
            raise Refusal(
                f"dataset {manifest.name}: its targets are {len(manifest.labels)} classes, and "
                "regression is of numbers; say dataset.task=classification"
            )

    def training_score(self, tally: float, spread: float) -> float:
        """Return R2 of the squared errors while they were trained on."""
        return _explained(tally, spread)

    def loss_of(self, outputs: Outputs, targets: Numbers) -> float:
        """Return the mean squared error."""
        return self.error(outputs, targets)

    def score(self, outputs: Outputs, targets: Numbers, spread: float) -> float:
        """Return R2, floored at 0: what is worse than the targets' mean is as good as diverged."""
        return _explained(self.error(outputs, targets), spread)

    def error(self, outputs: Outputs, targets: Numbers) -> float:
        """Return the mean squared error, computed in double precision."""
        return float(np.mean(_squared(outputs, targets)))

    def uninformed(self, _: int, spread: float) -> tuple[float, float]:
        """Return what the targets' mean scores, whatever the example."""
        return 0.0, spread

    def packed(self, outputs: Outputs, targets: Numbers, spread: float) -> str:
        """Return each example's squared error over the targets' variance, in single precision."""
        with np.errstate(over="ignore"):
            return (_squared(outputs, targets) / spread).astype(PACKED).tobytes().hex()

    def unpacked(self, text: str, examples: int) -> Floats:
        """Return one less each example's part of the variance: the mean is R2, not floored.

        Raises:
            ValueError: There are not as many.
        """
        parts = np.frombuffer(bytes.fromhex(text), PACKED)
        if len(parts) != examples:
            raise ValueError(f"{len(parts)} errors are not one for each of {examples} examples")
        return 1 - parts.astype(np.float64)

    def outcomes(self, text: str) -> list[Outcome]:
        """Return each example's squared error over the targets' variance."""
        return [_number(text[i : i + DIGITS]) for i in range(0, len(text), DIGITS)]

    def total(self, text: str) -> tuple[str, Outcome]:
        """Return the share of the variance that is not explained: one less R2, not floored."""
        parts = self.outcomes(text)
        numbers = [part for part in parts if isinstance(part, float)]
        readable = len(numbers) == len(parts) > 0
        return "unexplained", float(np.mean(numbers)) if readable else "unreadable"

    def log_error(self, errors: ArrayLike, _: ArrayLike) -> Floats:
        """Return logs of mean squared errors; no error at all counts as the smallest number.

        Raises:
            ValueError: An error is negative, or none.
        """
        squared = np.asarray(errors, np.float64)
        if not bool(np.all(squared >= 0)):  # refuses NaN as well
            raise ValueError("a mean squared error is at least 0")
        logs: Floats = np.log(np.maximum(squared, SMALLEST))
        return logs

    def fails_below(self, best_score: float) -> float:
        """Return half of what the arm reaches."""
        return best_score / 2


def _squared(outputs: Outputs, targets: Numbers) -> Floats:
    """Return each example's squared error, averaged over its outputs; shape (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # of a diverged model
        apart = outputs.astype(np.float64) - targets.astype(np.float64)
        mean: Floats = np.mean(apart**2, axis=1)
    return mean


def _explained(error: float, spread: float) -> float:
    """Return R2, floored at 0; that of no number is 0."""
    return max(0.0, 1 - error / spread)


def _number(digits: str) -> Outcome:
    try:
        value = float(np.frombuffer(bytes.fromhex(digits), PACKED)[0])
    except (ValueError, IndexError):
        return "unreadable"
    return value if np.isfinite(value) else "not finite"
