"""Control: a policy that is learned by acting, scored by what its episodes earn.

An episode starts in an example, a state, and each of its steps earns 1 until it ends. What is
scored is one number an episode, its return; the networks' outputs are values of actions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import Refusal
from pipeline.records import Component, Manifest
from pipeline.tasks.scoring import Floats, Outcome, Outputs

PACKED = np.dtype("<u2")
DIGITS = 2 * PACKED.itemsize  # hexadecimal ones, of one episode
MOST_STEPS = np.iinfo(PACKED).max


class Control:
    """An episode earns up to `episode_steps`; what it earns of that is its score.

    The rest are the arguments of deep Q-learning (`pipeline/training/dqn.py`), and
    `guessing_return`: what random actions earn. A policy that earns no more has failed.

    Raises:
        ValueError: Arguments do not fit together.
    """

    # Of the difference between an action's value and what it turned out to be worth.
    loss = Component(target="keras.losses.Huber", arguments={"delta": 1.0})
    # Of what training episodes earn against the most they could.
    tally = "keras.losses.mean_absolute_error"

    def __init__(
        self,
        *,
        episode_steps: int,
        guessing_return: float,
        actors: int,
        discount: float,
        exploration_start: float,
        exploration_end: float,
        exploration_steps: int,
        warmup_steps: int,
        replay_capacity: int,
        target_period: int,
    ) -> None:
        if episode_steps > MOST_STEPS:
            raise ValueError(f"episode_steps must be at most {MOST_STEPS}, got {episode_steps}")
        if guessing_return >= episode_steps:
            raise ValueError(
                f"guessing_return must be less than the {episode_steps} steps of an episode, "
                f"got {guessing_return:g}"
            )
        if exploration_end > exploration_start:
            raise ValueError(
                f"exploration_end must be at most exploration_start, {exploration_start:g}, "
                f"got {exploration_end:g}"
            )
        if warmup_steps % actors:
            raise ValueError(
                f"warmup_steps must be a multiple of {actors} actors, got {warmup_steps}"
            )
        if replay_capacity % actors or replay_capacity < warmup_steps:
            raise ValueError(
                f"replay_capacity must be a multiple of {actors} actors and hold the "
                f"{warmup_steps} steps of the warm-up, got {replay_capacity}"
            )
        self.episode_steps = episode_steps
        self.guessing_return = guessing_return
        self.actors = actors
        self.discount = discount
        self.exploration_start = exploration_start
        self.exploration_end = exploration_end
        self.exploration_steps = exploration_steps
        self.warmup_steps = warmup_steps
        self.replay_capacity = replay_capacity
        self.target_period = target_period

    def exploration(self, steps: NDArray[np.int64]) -> Floats:
        """Return the share of random actions after so many environment steps of training."""
        share = np.minimum(steps / self.exploration_steps, 1.0)
        fallen: Floats = share * (self.exploration_start - self.exploration_end)
        return self.exploration_start - fallen

    def check(self, manifest: Manifest) -> None:
        """Refuse examples that are no states.

        Raises:
            Refusal: They are pictures or sequences, or no actions are named.
        """
        if len(manifest.shape) != 1 or not manifest.labels:
            raise Refusal(
                f"dataset {manifest.name}: control starts episodes in its examples, and these are "
                "no states with named actions; take dataset=cartpole"
            )

    def training_score(self, tally: float, _: float) -> float:
        """Return the share that training episodes earned; `tally` is what they missed, in steps."""
        return 1 - tally / self.episode_steps

    def loss_of(self, outputs: Outputs, targets: NDArray[np.int64]) -> float:
        """Return the share of the most that was not earned: the error."""
        return self.error(outputs, targets)

    def score(self, outputs: Outputs, _: NDArray[np.int64], __: float) -> float:
        """Return the mean share that episodes earned, of returns with shape (n, 1)."""
        return float(np.mean(outputs.astype(np.float64)) / self.episode_steps)

    def error(self, outputs: Outputs, targets: NDArray[np.int64]) -> float:
        """Return the share that they did not."""
        return 1 - self.score(outputs, targets, 1.0)

    def uninformed(self, _: int, __: float) -> tuple[float, float]:
        """Return what random actions score."""
        share = self.guessing_return / self.episode_steps
        return share, 1 - share

    def packed(self, outputs: Outputs, _: NDArray[np.int64], __: float) -> str:
        """Return each episode's return, a whole number of steps."""
        return outputs[:, 0].astype(PACKED).tobytes().hex()

    def unpacked(self, text: str, examples: int) -> Floats:
        """Return the share that each episode earned.

        Raises:
            ValueError: There are not as many.
        """
        earned = np.frombuffer(bytes.fromhex(text), PACKED)
        if len(earned) != examples:
            raise ValueError(f"{len(earned)} returns are not one for each of {examples} episodes")
        return earned / self.episode_steps

    def outcomes(self, text: str) -> list[Outcome]:
        """Return each episode's return."""
        return [_number(text[i : i + DIGITS]) for i in range(0, len(text), DIGITS)]

    def total(self, text: str) -> tuple[str, Outcome]:
        """Return the mean return."""
        outcomes = self.outcomes(text)
        returns = [each for each in outcomes if isinstance(each, float)]
        readable = len(returns) == len(outcomes) > 0
        return "mean return", float(np.mean(returns)) if readable else "unreadable"

    def log_error(self, errors: ArrayLike, examples: ArrayLike) -> Floats:
        """Return log((lost + 1/2) / (episodes + 1)), so that no loss has a log too.

        What is lost counts in whole episodes: the half is the one of a share of wrong examples.

        Raises:
            ValueError: An error is no share, or is one of no episodes.
        """
        shares, counts = np.asarray(errors, np.float64), np.asarray(examples, np.float64)
        if not bool(np.all(counts >= 1)):
            raise ValueError("a share of lost returns needs at least 1 episode")
        if not bool(np.all((shares >= 0) & (shares <= 1))):  # refuses NaN as well
            raise ValueError("a share of lost returns is from 0 to 1")
        logs: Floats = np.log((shares * counts + 0.5) / (counts + 1))
        return logs

    def fails_below(self, _: float) -> float:
        """Return what random actions score, whatever the arm reaches at its best."""
        return self.guessing_return / self.episode_steps


def _number(digits: str) -> Outcome:
    try:
        return float(np.frombuffer(bytes.fromhex(digits), PACKED)[0])
    except (ValueError, IndexError):
        return "unreadable"
