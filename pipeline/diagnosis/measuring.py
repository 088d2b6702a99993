"""A model and examples -> what they tell: is it the averages, and whose?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from pipeline.diagnosis.examples import Data, Examples
from pipeline.diagnosis.measured import AtBatchSize, Drift, Measured, Scored
from pipeline.diagnosis.passes import (
    Array,
    Forward,
    all_outputs,
    by_averages,
    by_batch,
)
from pipeline.diagnosis.recalibration import Statistics, population, put, statistics_of
from pipeline.diagnosis.scoring import Score
from pipeline.training.evaluation import CHUNK, averages_of, kept

SCORED = 2000  # examples at most
SUSPECTS = 16  # norms that are asked one at a time: those that drifted most
SIZES = (2, 8, 32, 128)
TINY = 1e-12


class Measuring:
    """One model, its batch norms, and the examples: made once, asked several things."""

    def __init__(
        self, model: keras.Model, layers: dict[str, Any], data: Data, batch_size: int
    ) -> None:
        self.layers = layers
        self.batch_size = min(batch_size, len(data.scored.examples))
        self._model = model
        self._data = data
        self.scored = chosen(data.scored)
        self._use = by_averages(model, self.scored.examples)
        self._train = by_batch(model, self.scored.examples, list(layers.values()))
        self._score: Score | None = None

    def measured(self, validate: Callable[[], object] | None) -> Measured:
        """Return all figures; the model is left as it was, to the bit."""
        layers, examples = list(self.layers.values()), self.scored.examples
        moved = self._moved_by(lambda: self._use(examples[: self.batch_size]))
        with kept(averages_of(layers)):
            outputs = all_outputs(self._use, examples, CHUNK)
            if self.scored.targets is not None:
                self._score = Score(self.scored.targets, outputs)
            in_batches = self._by_batch(examples, self.batch_size)
            found = population(self._model, layers, self._data.training.examples, self.batch_size)
            drifts = self._drifts(found)
            self._put_all(found)
            recalibrated = all_outputs(self._use, examples, CHUNK)
        scored = [self._scored(each) for each in (outputs, in_batches, recalibrated)]
        return Measured(
            word=self._score.word if self._score else "",
            examples=len(examples),
            batch_size=self.batch_size,
            moving=scored[0],
            batch=scored[1],
            recalibrated=scored[2],
            uncertain=max(self._uncertain(each, outputs) for each in (in_batches, recalibrated)),
            sizes=self._sizes(),
            drifts=drifts,
            mates_in_training=self._mates(self._train, outputs),
            mates_at_inference=self._mates(self._use, outputs),
            moved_by_inference=moved,
            moved_by_validation=self._moved_by(validate) if validate else (),
        )

    def _scored(self, outputs: Array) -> Scored | None:
        if self._score is None:
            return None
        return Scored(score=self._score.score(outputs), loss=self._score.loss(outputs))

    def _uncertain(self, one: Array, other: Array) -> float:
        """Return the standard error of the mean difference of two outputs' points, paired."""
        if self._score is None:
            return 0.0
        apart = self._score.each(one) - self._score.each(other)
        found = float(np.std(apart)) / len(apart) ** 0.5
        return found if np.isfinite(found) else 0.0

    def _by_batch(self, examples: Array, size: int) -> Array:
        """Return outputs by batch statistics; the last batch is filled up with the first ones."""
        missing = -len(examples) % size
        filled = np.concatenate([examples, examples[:missing]]) if missing else examples
        with kept(averages_of(list(self.layers.values()))):
            return all_outputs(self._train, filled, size)[: len(examples)]

    def _sizes(self) -> tuple[AtBatchSize, ...]:
        score, examples = self._score, self.scored.examples
        if score is None or self.scored.targets is None:
            return ()
        targets = self.scored.targets
        order = np.argsort(targets, kind="stable") if targets.ndim == 1 else None
        found = []
        for size in sorted({*SIZES, self.batch_size}):
            if size > len(examples):
                continue
            shuffled = self._scored(self._by_batch(examples, size))
            in_order = None
            if order is not None and score.is_of_labels:
                outputs = self._by_batch(examples[order], size)
                in_order = self._scored(outputs[np.argsort(order)])
            assert shuffled is not None
            found.append(AtBatchSize(batch_size=size, shuffled=shuffled, sorted=in_order))
        return tuple(found)

    def _put_all(self, found: list[Statistics]) -> None:
        for layer, statistics in zip(self.layers.values(), found, strict=True):
            put(layer, statistics)

    def _drifts(self, found: list[Statistics]) -> tuple[Drift, ...]:
        """Return each layer's drift; population statistics go into one at a time, and stay out."""
        layers = list(self.layers.values())
        moving = [statistics_of(layer) for layer in layers]
        far = [distance(old, new) for old, new in zip(moving, found, strict=True)]
        order = sorted(range(len(layers)), key=lambda i: -far[i][0])
        examples, targets = self.scored.examples[:CHUNK], self.scored.targets
        asked = order[:SUSPECTS] if targets is not None else []

        def total() -> float:
            assert targets is not None
            outputs = all_outputs(self._use, examples, CHUNK)
            return Score(targets[:CHUNK], outputs).score(outputs)

        alone: dict[int, float] = {}
        without: dict[int, float] = {}
        if asked:
            before = total()
            for i in asked:
                put(layers[i], found[i])
                alone[i] = total() - before
                put(layers[i], moving[i])
            self._put_all(found)
            best = total()
            for i in asked:
                put(layers[i], moving[i])
                without[i] = best - total()
                put(layers[i], found[i])
        drifts = [
            Drift(
                layer=path,
                mean=far[i][0],
                typical=far[i][1],
                deviation=far[i][2],
                alone=alone.get(i),
                without=without.get(i),
            )
            for i, path in enumerate(self.layers)
        ]
        return tuple(sorted(drifts, key=lambda each: (-each.blame, -each.mean)))

    def _mates(self, run: Forward, outputs: Array) -> float:
        """Return how much an example's outputs change where others come with it.

        The first half of a batch comes with one half, twice, for what else is random, and with
        another.
        """
        examples = self.scored.examples
        half = max(self.batch_size // 2, 1)
        if len(examples) < 3 * half:
            return 0.0
        first, one, other = (examples[i * half : (i + 1) * half] for i in range(3))
        found = []
        for mates in (one, one, other):
            with kept(averages_of(list(self.layers.values()))):
                found.append(run(np.concatenate([first, mates]))[:half])
        spread = max(float(np.std(outputs)), TINY)
        with np.errstate(over="ignore", invalid="ignore"):
            noise, changed = (np.mean(np.square(found[0] - each)) for each in found[1:])
            by_mates = float(np.sqrt(max(changed - noise, 0.0))) / spread
        return by_mates if np.isfinite(by_mates) else 0.0

    def _moved_by(self, act: Callable[[], object]) -> tuple[str, ...]:
        """Return the norms whose averages something moves, and put them back."""
        variables = averages_of(list(self.layers.values()))
        with kept(variables):
            before = [np.copy(each.numpy()) for each in variables]
            act()
            moved = [
                not np.array_equal(old, new.numpy(), equal_nan=True)
                for old, new in zip(before, variables, strict=True)
            ]
        pairs = zip(moved[::2], moved[1::2], strict=True)
        return tuple(path for path, pair in zip(self.layers, pairs, strict=True) if any(pair))


def chosen(given: Examples) -> Examples:
    """Return the examples that are scored, in random order: all, or 2,000 of them."""
    order = np.random.default_rng(1).permutation(len(given.examples))[:SCORED]
    targets = None if given.targets is None else given.targets[order]
    return Examples(given.examples[order], targets)


def distance(moving: Statistics, found: Statistics) -> tuple[float, float, float]:
    """Return the largest and the median distance of means, and the largest ratio of deviations.

    Distances are in the population's standard deviations, channels without variance left out.
    """
    variance = found.variance.astype(np.float64)
    alive = variance > TINY
    if not alive.any():
        return 0.0, 0.0, 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(moving.mean.astype(np.float64) - found.mean)[alive] / variance[alive] ** 0.5
        ratio = np.maximum(moving.variance.astype(np.float64)[alive], TINY) / variance[alive]
        ratio = np.maximum(ratio, 1 / ratio) ** 0.5
    values = (np.max(apart), np.median(apart), np.max(ratio))
    far, typical, deviation = (float(each) if np.isfinite(each) else 1e9 for each in values)
    return far, typical, deviation
