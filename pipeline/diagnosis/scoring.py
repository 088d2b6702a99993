"""What outputs are worth: the share that is right where targets are labels, else R squared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.diagnosis.passes import Array
from pipeline.errors import Refusal
from pipeline.tasks.classification import Classification

Outputs = NDArray[np.float32]
Points = NDArray[np.float64]
SHARES = 1e-3  # outputs that sum to 1 but for so much are probabilities
TINY = 1e-12


class Score:
    """Holds targets against outputs.

    Attributes:
        word: What a score is, for a reader.
        is_of_labels: Whether targets are whole numbers that name one of the outputs.
    """

    def __init__(self, targets: Array, outputs: Outputs) -> None:
        self._targets = _labels(targets, outputs)
        self.is_of_labels = self._targets is not None
        self.word = "share right" if self.is_of_labels else "R squared"
        self._numbers = targets.reshape(len(targets), -1).astype(np.float64)
        if not self.is_of_labels and self._numbers.shape != _rows(outputs).shape:
            raise Refusal(
                f"the targets are of shape {targets.shape} and the outputs of {outputs.shape}: "
                "save whole numbers of shape (n,) for labels, or one number for each output"
            )

    def each(self, outputs: Outputs) -> Points:
        """Return what each example adds to the score: their mean is the score."""
        if self._targets is not None:
            right = (_chosen(outputs) == self._targets).reshape(len(outputs), -1)
            return np.asarray(right.mean(axis=1), np.float64)
        spread = max(float(np.var(self._numbers, axis=0).mean()), TINY)
        with np.errstate(over="ignore", invalid="ignore"):
            errors = np.square(_rows(outputs).astype(np.float64) - self._numbers).mean(axis=1)
        found: Points = 1 - np.nan_to_num(errors, nan=np.inf) / spread
        return found

    def score(self, outputs: Outputs) -> float:
        """Return the score, at most 1, finite."""
        return max(float(np.mean(self.each(outputs))), -1e6)

    def loss(self, outputs: Outputs) -> float | None:
        """Return the mean loss: of labels in nats, else the mean square; None if not finite."""
        if self._targets is None:
            with np.errstate(over="ignore"):
                found = float(np.mean(np.square(_rows(outputs).astype(float) - self._numbers)))
        else:
            flat = self._targets.reshape(-1)
            found = Classification().loss_of(_logits(outputs), flat)
        return found if np.isfinite(found) else None


def _labels(targets: Array, outputs: Outputs) -> NDArray[np.int64] | None:
    """Return targets as labels, or nothing where they are numbers.

    Raises:
        Refusal: A label has no output.
    """
    if targets.ndim == outputs.ndim and targets.shape == outputs.shape and targets.shape[-1] > 1:
        if np.isin(targets, (0, 1)).all() and (targets.sum(axis=-1) == 1).all():
            return np.asarray(targets.argmax(axis=-1), np.int64)  # one-hot
        return None
    if targets.dtype.kind not in "iub":
        return None
    labels = np.asarray(targets, np.int64)
    if labels.ndim == outputs.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = max(outputs.shape[-1], 2)
    if labels.shape != outputs.shape[:-1]:
        raise Refusal(
            f"the labels are of shape {targets.shape}, but the outputs of {outputs.shape}: "
            "one label for each example is needed"
        )
    if labels.min() < 0 or labels.max() >= count:
        raise Refusal(
            f"labels run from {labels.min()} to {labels.max()}, but the model's {count} outputs "
            f"are for 0 .. {count - 1}: number them so, or name the right examples"
        )
    return labels


def _chosen(outputs: Outputs) -> NDArray[np.int64]:
    if outputs.shape[-1] == 1:  # one output: a probability, or a logit
        limit = 0.5 if _is_probability(outputs) else 0.0
        return np.asarray(outputs[..., 0] > limit, np.int64)
    known = np.where(np.isfinite(outputs).all(axis=-1, keepdims=True), outputs, np.nan)
    found = np.full(outputs.shape[:-1], -1, np.int64)  # of what is not finite nothing is right
    finite = ~np.isnan(known).any(axis=-1)
    found[finite] = known[finite].argmax(axis=-1)
    return found


def _logits(outputs: Outputs) -> Outputs:
    flat = outputs.reshape(-1, outputs.shape[-1])
    if flat.shape[1] == 1:
        shares = np.clip(flat, TINY, 1 - 1e-7) if _is_probability(flat) else None
        logit = np.log(shares / (1 - shares)) if shares is not None else flat
        return np.concatenate([np.zeros_like(logit), logit], axis=1).astype(np.float32)
    if _is_probability(flat) and np.abs(flat.sum(axis=1) - 1).max() < SHARES:
        return np.log(np.maximum(flat, TINY)).astype(np.float32)
    return flat


def _is_probability(outputs: Outputs) -> bool:
    return bool(np.isfinite(outputs).all() and outputs.min() >= 0 and outputs.max() <= 1)


def _rows(outputs: Outputs) -> Outputs:
    return outputs.reshape(len(outputs), -1)
