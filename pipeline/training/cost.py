"""What a training step costs: the engine's epochs on the clock, arms in turn.

In each round every arm trains one epoch of as many steps, from its first weights, and
the round after begins with the next arm: what else happens on the machine meets
all arms alike. Nothing is evaluated, and compiling is over before the first round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipeline.records import Trial
from pipeline.training.engine import Data, engine_for
from pipeline.training.setting import output_count, rows

ROUNDS = 12  # each of 2, 3, 4 or 6 arms comes first, second, ... as often as any other
ROUND_SECONDS = 0.1  # of the fastest arm; to start an epoch takes less than a hundredth of it
READING_SECONDS = 0.02  # enough to tell how many steps that are


@dataclass(frozen=True)
class Readings:
    """Seconds of one arm's step, each the mean of a round's `steps`; one per round.

    Attributes:
        wall_seconds: On the wall.
        cpu_seconds: Of this process, on all cores.
        kernels: Which kernel normalized and which one updated the weights.
    """

    steps: int
    wall_seconds: list[float]
    cpu_seconds: list[float]
    kernels: dict[str, str]


class StepClock:
    """One arm's compiled epoch under the clock."""

    def __init__(self, trial: Trial, data: Data, outputs: int) -> None:
        self._trial = trial
        self._data = data
        self._engine = engine_for(trial, data, outputs)
        self._compiled = set[int]()
        self.kernels = dict(self._engine.kernels)

    def read(self, steps: int) -> tuple[float, float]:
        """Train an epoch from the first weights; return seconds per step: wall, processor."""
        if steps not in self._compiled:
            self._compiled.add(steps)
            self.read(steps)  # XLA compiles for each number of steps, the engine once
        trial, count = self._trial, len(self._data[1])
        self._engine.restart(trial)
        chosen = np.random.default_rng(trial.seed).integers(
            0, min(trial.examples, count), (steps, trial.batch_size)
        )
        wall, cpu = time.perf_counter(), time.process_time()
        self._engine.epoch(self._data, chosen)
        return (time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps

    def steps_of_a_round(self) -> int:
        """Return how many steps take about `ROUND_SECONDS`, at least one."""
        steps = 1
        while self.read(steps)[0] * steps < READING_SECONDS:
            steps *= 2
        quickest = min(self.read(steps)[0] for _ in range(3))  # a stall would shorten all rounds
        return max(1, round(ROUND_SECONDS / quickest))


def measure(
    questions: Mapping[str, Trial], folder: Path, watch: Callable[[float], None]
) -> dict[str, Readings]:
    """Measure the arms of a cell in turn, over `ROUNDS` rounds.

    `determinism.configure` must have been called in this process, and nothing else
    should run beside it.

    Args:
        questions: By arm, trials of one dataset and batch size.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with the share of them that is done.

    Raises:
        Refusal: The arrays are not those of a trial, or a model cannot be built.
    """
    (data_digest,) = {trial.data_digest for trial in questions.values()}
    examples, targets = rows(folder, data_digest, "train", slice(None))
    data, outputs = (tf.constant(examples), tf.constant(targets)), output_count(folder, data_digest)
    clocks = {arm: StepClock(trial, data, outputs) for arm, trial in questions.items()}
    steps = max(clock.steps_of_a_round() for clock in clocks.values())
    found = {arm: Readings(steps, [], [], clock.kernels) for arm, clock in clocks.items()}
    arms, done = list(clocks), 0
    for number in range(ROUNDS):
        first = number % len(arms)
        for arm in arms[first:] + arms[:first]:
            wall, cpu = clocks[arm].read(steps)
            found[arm].wall_seconds.append(wall)
            found[arm].cpu_seconds.append(cpu)
            done += 1
            watch(done / (ROUNDS * len(arms)))
    return found
