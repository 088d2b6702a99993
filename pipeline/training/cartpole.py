"""Gymnasium's CartPole from given states: episodes that are learned from, and ones that are scored.

Both are stepped from within a graph: their `step` takes a NumPy array and gives one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
Actions = NDArray[np.int64]

STATE = 4  # numbers
STEPPED = 2 * STATE + 2  # next state, reward, whether it ends there, and the state to act in now


class Actors:
    """Environments side by side, each of which starts again when its episode is over.

    Args:
        count: How many.
        episode_steps: An episode that lasts as long is cut off: nothing ends there, and what
            is learned of its last step counts on more.
        start: Gives the state in which the n-th episode starts, shape (4,).
    """

    def __init__(
        self, count: int, episode_steps: int, start: Callable[[int], NDArray[np.float32]]
    ) -> None:
        self._environments = [CartPoleEnv() for _ in range(count)]
        self._episode_steps, self._start = episode_steps, start
        self._started = 0
        self._steps = np.zeros(count, np.int64)
        self._ended: list[int] = []
        for number in range(count):
            self._restart(number)

    @property
    def states(self) -> Numbers:
        """The states to act in, shape (count, 4)."""
        return np.array([each.state for each in self._environments], np.float32)

    def step(self, actions: Actions) -> Numbers:
        """Take an action in each; return what came of it, shape (count, STEPPED)."""
        found = np.empty((len(actions), STEPPED), np.float32)
        for number, environment in enumerate(self._environments):
            state, reward, terminated, *_ = environment.step(int(actions[number]))
            found[number, :STATE] = state
            found[number, STATE : STATE + 2] = reward, terminated
            self._steps[number] += 1
            if terminated or self._steps[number] >= self._episode_steps:
                self._ended.append(int(self._steps[number]))
                self._restart(number)
            found[number, STATE + 2 :] = environment.state
        return found

    def returns(self) -> list[int]:
        """Return what the episodes earned that ended since this was asked last.

        Of those that go on, what they have earned so far, where none ended.
        """
        ended, self._ended = self._ended, []
        return ended or self._steps.tolist()

    def _restart(self, number: int) -> None:
        environment = self._environments[number]
        environment.reset()  # forgets that it ended; what it draws is replaced
        environment.state = self._start(self._started).astype(np.float64)
        self._started += 1
        self._steps[number] = 0


class Episodes:
    """Episodes side by side, none of which starts again; what comes after an end is not used."""

    def __init__(self, episode_steps: int) -> None:
        self._episode_steps = episode_steps
        self._environment = CartPoleVectorEnv(1)

    def start(self, states: Numbers) -> None:
        """Start an episode in each state, shape (n, 4)."""
        self._environment = CartPoleVectorEnv(len(states), self._episode_steps + 1)
        self._environment.reset(seed=0)  # whoever ended is drawn another start
        self._environment.state = states.T.astype(np.float64)

    def step(self, actions: Actions) -> Numbers:
        """Take an action in each; return next states and whether it ended, shape (n, 5)."""
        states, _, ended, *_ = self._environment.step(actions)
        return np.concatenate([states, ended[:, np.newaxis].astype(np.float32)], axis=1)
