"""How much is measured; ROUNDS and TRIALS of the environment shrink it."""

import os

ROUNDS = int(os.environ.get("ROUNDS", "5"))
STEP_ROUNDS = 3 * ROUNDS  # a step is short, and machines are noisy
TRIALS = int(os.environ.get("TRIALS", "60"))
MLP = {"epochs": 5, "examples": 3000}
CNN = {"epochs": 3, "examples": 1000}
SIZES = (2, 8, 32, 128, 512)  # of an MLP's batches
CNN_SIZES = (8, 32, 128)


def steps(model: str, size: int) -> int:
    """Return how many steps of a batch size an epoch takes that is timed."""
    return 1280 // size if model == "cnn" else max(3000 // size, 10)
