"""A model under measurement, and what it says under each kind of batch-norm statistics.

Nothing here changes the model, to the bit: weights, moving statistics, and the seeds that dropout
draws from are what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.records import Trial
from pipeline.training.evaluation import (
    ByBatch,
    Inference,
    averages_of,
    kept,
    population,
)
from pipeline.training.setting import arrays, permutation, rows

PROBE, RECALIBRATION = -1, -2  # stand where a pass's number would in a permutation's seed


@dataclass(frozen=True)
class Subject:
    """A model under measurement.

    Attributes:
        infer: Its forward pass as a user runs it.
        by_batch: Its forward pass in training mode, which normalizes by the batches themselves.
        layers: Its layers with moving statistics.
        kernels: Which kernel normalizes, which one updates, and how a recurrence runs.
    """

    model: keras.Model
    infer: Inference
    by_batch: ByBatch
    layers: Sequence[keras.Layer]
    kernels: dict[str, str]


class Outputs:
    """What a subject says of the splits with the weights it has now; nothing is computed twice."""

    def __init__(self, trial: Trial, folder: Path, subject: Subject) -> None:
        self.trial = trial
        self.folder = folder
        self.subject = subject
        self._moving: dict[str, NDArray[np.float32]] = {}
        self._recalibrated: dict[str, NDArray[np.float32]] = {}
        self._batch: NDArray[np.float32] | None = None
        self._population: list[NDArray[np.float64]] | None = None

    def moving(self, split: str) -> NDArray[np.float32]:
        """Return the outputs for a split as a user gets them, shape (n, outputs)."""
        if split not in self._moving:
            self._moving[split] = self._inferred(split)
        return self._moving[split]

    @property
    def shuffled(self) -> NDArray[np.int64]:
        """Places of validation examples in an order of the trial's seed: whole batches of them."""
        examples, _ = arrays(self.folder, self.trial.data_digest, "validation")
        order = permutation(self.trial.seed, PROBE, len(examples))
        size = min(self.trial.batch_size, len(order))
        return order[: len(order) // size * size]

    def batch(self) -> NDArray[np.float32]:
        """Return the outputs for the `shuffled` examples, normalized by their own batches."""
        if self._batch is None:
            examples, _ = arrays(self.folder, self.trial.data_digest, "validation")
            chosen = examples[self.shuffled]
            self._batch = self.subject.by_batch(chosen, self.trial.batch_size).outputs
        return self._batch

    def recalibrated(self, split: str) -> NDArray[np.float32]:
        """Return the outputs for a split under recalibrated statistics, shape (n, outputs)."""
        if split not in self._recalibrated:
            variables = averages_of(self.subject.layers)
            if self._population is None:
                self._population = self._of_population()
            with kept(variables):
                for variable, value in zip(variables, self._population, strict=True):
                    variable.assign(value)
                self._recalibrated[split] = self._inferred(split)
        return self._recalibrated[split]

    def _inferred(self, split: str) -> NDArray[np.float32]:
        examples, _ = arrays(self.folder, self.trial.data_digest, split)
        return self.subject.infer(examples)

    def _of_population(self) -> list[NDArray[np.float64]]:
        trial, probes = self.trial, self.trial.probes
        count = min(probes.recalibration_examples, trial.examples)
        chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:count]
        examples, _ = rows(self.folder, trial.data_digest, "train", chosen)
        size = min(probes.recalibration_batch_size, count)
        whole = examples[: count // size * size]
        return population(self.subject.by_batch(whole, size).statistics)
