"""Classification: logits against labels, scored by the share that is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import Refusal
from pipeline.records import Component, Manifest
from pipeline.tasks.scoring import Floats, Outcome, Outputs

Labels = NDArray[np.int64]
HEXADECIMAL = "0123456789abcdef"


class Classification:
    """One of several classes is right: the one whose logit should be the largest."""

    loss = Component(
        target="keras.losses.SparseCategoricalCrossentropy", arguments={"from_logits": True}
    )
    tally = "keras.metrics.sparse_categorical_accuracy"

    def check(self, manifest: Manifest) -> None:
        """Refuse a dataset without classes.

        Raises:
            Refusal: Its targets are numbers.
        """
        if not manifest.labels:
            raise Refusal(
                f"dataset {manifest.name}: its targets are numbers, and classification is of "
                "classes; say dataset.task=regression"
            )

    def training_score(self, tally: float, _: float) -> float:
        """Return the share that was right while it was trained on."""
        return tally

    def loss_of(self, outputs: Outputs, targets: Labels) -> float:
        """Return the mean negative log-likelihood in nats, computed in double precision.

        Not finite where a logit is not.
        """
        wide = outputs.astype(np.float64)
        with np.errstate(invalid="ignore"):  # of a diverged model: infinity less infinity
            shifted = wide - wide.max(axis=1, keepdims=True)
            log_total = np.log(np.exp(shifted).sum(axis=1))
            return float(np.mean(log_total - shifted[np.arange(len(targets)), targets]))

    def score(self, outputs: Outputs, targets: Labels, _: float) -> float:
        """Return the share of rows whose largest logit is at the label."""
        return float(np.mean(outputs.argmax(axis=1) == targets))

    def error(self, outputs: Outputs, targets: Labels) -> float:
        """Return the share of the other rows."""
        return float(np.mean(outputs.argmax(axis=1) != targets))

    def uninformed(self, outputs: int, _: float) -> tuple[float, float]:
        """Return what guessing scores, where classes are equally frequent."""
        return 1 / outputs, 1 - 1 / outputs

    def packed(self, outputs: Outputs, targets: Labels, _: float) -> str:
        """Return a bit per example, 1 where it is right; zeros fill up the last byte."""
        return np.packbits(outputs.argmax(axis=1) == targets).tobytes().hex()

    def unpacked(self, text: str, examples: int) -> Floats:
        """Return 1 for each example that is right, else 0.

        Raises:
            ValueError: There are fewer bits than that.
        """
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))
        if len(bits) < examples:
            raise ValueError(f"{len(bits)} bits are not one for each of {examples} examples")
        return bits[:examples].astype(np.float64)

    def outcomes(self, text: str) -> list[Outcome]:
        """Return for each example whether it is right or wrong; what fills up a byte is wrong."""
        words: list[Outcome] = []
        for digit in text:
            value = HEXADECIMAL.find(digit)
            bits = f"{value:04b}" if value >= 0 else ""
            words += ["right" if bit == "1" else "wrong" for bit in bits] or 4 * ["unreadable"]
        return words

    def total(self, text: str) -> tuple[str, Outcome]:
        """Return how many are right."""
        return "right", self.outcomes(text).count("right")

    def log_error(self, errors: ArrayLike, examples: ArrayLike) -> Floats:
        """Return log((wrong + 1/2) / (examples + 1)), so that no error has a log too.

        The half is Jeffreys' prior for a share; it moves an error by less than half an example.

        Raises:
            ValueError: An error is no share, or is one of no examples.
        """
        shares, counts = np.asarray(errors, np.float64), np.asarray(examples, np.float64)
        if not bool(np.all(counts >= 1)):
            raise ValueError("a share of errors needs at least 1 example")
        if not bool(np.all((shares >= 0) & (shares <= 1))):  # refuses NaN as well
            raise ValueError("a share of errors is from 0 to 1")
        logs: Floats = np.log((shares * counts + 0.5) / (counts + 1))
        return logs

    def fails_below(self, best_score: float) -> float:
        """Return half of what the arm reaches."""
        return best_score / 2
