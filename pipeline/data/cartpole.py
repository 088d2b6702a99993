"""States in which CartPole's episodes start, drawn by gymnasium: no network needed.

A. Barto, R. Sutton and C. Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning
Control Problems", 1983.
"""

from __future__ import annotations

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from pipeline.data.source import Source
from pipeline.errors import Refusal

ACTIONS = ("left", "right")
ANGLE = 2  # a state is position, speed, angle of the pole, and its speed


def load(*, episodes: int, seed: int) -> Source:
    """Return first states, shape (episodes, 4), and to which side the pole leans in each.

    The labels are the two actions, so that a network has an output for each; control takes no
    notice of the sides.

    Raises:
        Refusal: There would be no states.
    """
    if episodes < 1:
        raise Refusal(f"dataset.source.episodes must be at least 1, got {episodes}")
    environment = CartPoleEnv()
    first, _ = environment.reset(seed=seed)
    states = np.stack([first, *(environment.reset()[0] for _ in range(episodes - 1))])
    return Source(
        examples=states,
        targets=(states[:, ANGLE] > 0).astype(np.int64),
        labels=ACTIONS,
        test_examples=None,
        test_targets=None,
        scale=1.0,
        source=f"CartPole-v1 (Farama Foundation's gymnasium), drawn with seed {seed}",
        license="MIT",
    )
