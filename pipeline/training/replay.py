"""What an actor has seen, in the graph's memory, and which of it a step of training takes.

A row is one step of one environment: state, action, reward, next state, and whether it ended. The
rows that updates learn from, and the actions that explore, are drawn outside of the graph, from
the trial's seed alone and in order: where epochs end changes none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.records import Trial
from pipeline.tasks.control import Control
from pipeline.training.cartpole import STATE

ROW = 2 * STATE + 3
EXPLORATION, REPLAY, WARMUP = -3, -4, -5  # stand where a pass's number would in a seed
GREEDY = -1  # stands for whatever the policy takes


class Batch(NamedTuple):
    """Some rows: states (n, 4), actions (n,), rewards (n,), next states (n, 4), ends (n,)."""

    states: tf.Tensor
    actions: tf.Tensor
    rewards: tf.Tensor
    successors: tf.Tensor
    ended: tf.Tensor


def rows(states: tf.Tensor, actions: tf.Tensor, stepped: tf.Tensor) -> tf.Tensor:
    """Return rows of what came of actions, as `Actors.step` tells it; shape (n, ROW)."""
    taken = tf.cast(actions, tf.float32)[:, tf.newaxis]
    outcome = stepped[:, :STATE], stepped[:, STATE : STATE + 1], stepped[:, STATE + 1 : STATE + 2]
    successors, rewards, ended = outcome
    return tf.concat([states, taken, rewards, successors, ended], axis=1)


def batch(chosen: tf.Tensor) -> Batch:
    """Return rows by what is in them."""
    return Batch(
        states=chosen[:, :STATE],
        actions=tf.cast(chosen[:, STATE], tf.int64),
        rewards=chosen[:, STATE + 1],
        successors=chosen[:, STATE + 2 : 2 * STATE + 2],
        ended=chosen[:, 2 * STATE + 2],
    )


@dataclass(frozen=True)
class Draws:
    """What one epoch's steps take: each a row of the arrays.

    Attributes:
        places: Where the first of a step's rows goes, shape (steps,).
        forced: Random actions, GREEDY where the policy acts; shape (steps, actors).
        chosen: Places of the rows that an update learns from, shape (steps, batch size).
    """

    places: NDArray[np.int64]
    forced: NDArray[np.int64]
    chosen: NDArray[np.int64]


class Drawing:
    """Draws epoch after epoch, from (seed, what for) alone."""

    def __init__(self, trial: Trial, control: Control, actions: int) -> None:
        self._control, self._actions, self._batch_size = control, actions, trial.batch_size
        self._explorer = _generator(trial, EXPLORATION)
        self._sampler = _generator(trial, REPLAY)
        self._done = 0

    def epoch(self, steps: int) -> Draws:
        """Return what the next steps take."""
        control, size = self._control, self._control.actors
        number = self._done + np.arange(steps)
        self._done += steps
        seen = control.warmup_steps + number * size  # rows before each step
        explores, which = np.split(self._explorer.random((steps, 2 * size)), 2, axis=1)
        share = control.exploration(number * size)[:, np.newaxis]
        random = (which * self._actions).astype(np.int64)
        filled = np.minimum(seen + size, control.replay_capacity)[:, np.newaxis]
        drawn = self._sampler.random((steps, self._batch_size))
        return Draws(
            places=seen % control.replay_capacity,
            forced=np.where(explores < share, random, GREEDY),
            chosen=(drawn * filled).astype(np.int64),
        )

    @property
    def rows_seen(self) -> int:
        """How many rows the replay holds."""
        seen = self._control.warmup_steps + self._done * self._control.actors
        return min(seen, self._control.replay_capacity)


def random_actions(trial: Trial, control: Control, actions: int) -> NDArray[np.int64]:
    """Return the actions of the warm-up, shape (steps, actors)."""
    shape = (control.warmup_steps // control.actors, control.actors)
    return _generator(trial, WARMUP).integers(0, actions, shape)


def _generator(trial: Trial, what: int) -> np.random.Generator:
    return np.random.default_rng([trial.seed, what % 2**32])
