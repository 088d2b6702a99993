"""What the scripts of steps say: what their first steps gave, then how long each epoch took.

They run in environments of their own, where neither this project nor Keras is installed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np

Task = Mapping[str, np.ndarray]
# of examples, shape (steps, batch size), to the loss of each step and how many were hit
Epoch = Callable[[np.ndarray], tuple[np.ndarray, int]]


def given() -> Task:
    """Return what the file of the command line holds: arrays, first weights, numbers."""
    return dict(np.load(sys.argv[1]))


def serve(
    task: Task, epoch: Epoch, moving_mean: Callable[[], np.ndarray | None], version: str
) -> None:
    """Run the task's first steps and an epoch at once, and one more for each line that comes.

    Args:
        task: What is given; `first` and `chosen` are examples.
        epoch: Trains one, and waits until it is over.
        moving_mean: Of the first norm, shape (channels,); nothing in the plain arm.
        version: Of the library.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # libraries may print on theirs
    os.dup2(2, 1)
    first, _ = epoch(task["first"])
    mean = moving_mean()
    losses, hits = epoch(task["chosen"])
    said = {
        "first": first.tolist(),
        "moving_mean": None if mean is None else mean.tolist(),
        "losses": losses.tolist(),
        "hits": hits,
        "version": version,
    }
    print(json.dumps(said), file=answers)
    for _ in sys.stdin:
        began, worked = time.perf_counter(), time.process_time()
        epoch(task["chosen"])
        seconds, busy = time.perf_counter() - began, time.process_time() - worked
        print(json.dumps({"seconds": seconds, "busy_seconds": busy}), file=answers)
