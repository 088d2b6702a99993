"""Libraries that take the same steps as ours, each in a process of its own on one thread."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from conversation import Conversation
from environments import PEERS
from numpy.typing import NDArray

LIBRARIES = {"PyTorch": "torch", "JAX": "jax"}  # name: environment
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's pool of threads
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "-1",
}
MOST_BUSY = 1.25  # seconds of a processor's time in a second, of one thread: clocks are coarse
FIRST = 10  # steps after which rounding has not grown to what another task would give
TOLERANCES = {  # relative
    "the first loss": 1e-4,
    "the mean loss of the first steps": 0.03,
    "the moving mean after the first steps": 0.1,  # Adams differ in where epsilon stands
    "the mean loss of an epoch": 0.05,
}


@dataclass(frozen=True)
class Said:
    """What a task's first steps and its first epoch gave: losses, and the first norm's moving mean.

    `first` and `losses` have one number a step; `moving_mean`, after the first steps, has one a
    channel, and is nothing in the plain arm.
    """

    first: NDArray[np.float32]
    moving_mean: NDArray[np.float32] | None
    losses: NDArray[np.float32]


def script(library: str) -> Path:
    return PEERS / f"{library}_steps.py"


class Peer:
    """A library's process, which has run its first steps and an epoch."""

    def __init__(self, name: str, command: list[str], steps: int) -> None:
        self._name, self._steps = name, steps
        self._process = Conversation(command, **ONE_THREAD)
        said = self._process.ready
        mean = said["moving_mean"]
        self.version: str = said["version"]
        self.said = Said(
            np.array(said["first"]),
            None if mean is None else np.array(mean),
            np.array(said["losses"]),
        )
        self.close = self._process.close

    def step(self) -> float:
        """Return the seconds of a step, over an epoch.

        Raises:
            RuntimeError: More than one thread worked.
        """
        self._process.send({})
        said = self._process.receive()
        if said["busy_seconds"] > MOST_BUSY * said["seconds"] and said["seconds"] > 0.05:
            busy = said["busy_seconds"] / said["seconds"]
            raise RuntimeError(f"{self._name}: {busy:.1f} threads worked, not one")
        return float(said["seconds"]) / self._steps


def check_same(name: str, ours: Said, theirs: Said) -> None:
    """Hold what a library's task gave to what ours did.

    Raises:
        RuntimeError: It trained something else.
    """
    for what, error in distances(ours, theirs).items():
        if not error <= TOLERANCES[what]:
            raise RuntimeError(f"{name}: another task: {what} is {error:.1e} off")


def distances(ours: Said, theirs: Said) -> dict[str, float]:
    """Return how far apart two are, relative to ours."""
    pairs = {
        "the first loss": (ours.first[0], theirs.first[0]),
        "the mean loss of the first steps": (ours.first.mean(), theirs.first.mean()),
        "the mean loss of an epoch": (ours.losses.mean(), theirs.losses.mean()),
    }
    if ours.moving_mean is not None:
        pairs["the moving mean after the first steps"] = (ours.moving_mean, theirs.moving_mean)
    norm = np.linalg.norm
    return {what: float(norm(their - our) / norm(our)) for what, (our, their) in pairs.items()}
