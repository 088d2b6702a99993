"""What a step costs in other libraries: the same task on one thread, all of them in turn.

The same task: the same first weights, the same examples in the same order, the same numbers of Adam
and batch norm, and for each step its loss and its hits. That it is the same is checked by what the
first steps and the first epoch gave.
"""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import amounts
import numpy as np
from environments import python_of
from libraries import FIRST, LIBRARIES, Peer, Said, check_same, script
from steps import Timed, clock, engine_step, medians, restarted, twin_step

OURS = "engine"


def compiled_step(folder: Path, steps: int, *overrides: str) -> Timed:
    """Return the clock of the engine's epoch through XLA."""
    return engine_step(folder, steps, *overrides, "trainer=compiled")


# What else trains in this process: (arrays, steps, *overrides). XLA is refused convolutions.
HERE = {
    "mlp": {"engine by XLA": compiled_step, "Keras fit": twin_step},
    "cnn": {"Keras fit": twin_step},
}


def step_rows(
    folder: Path,
    rounds: int,
    model: str,
    sizes: Iterable[int],
    *,
    arms: tuple[str, ...] = ("none", "batch"),
) -> tuple[list[list[str]], str]:
    """Return rows and the libraries' versions.

    A row: batch size, arm, microseconds a step of the engine and of each other way, and each of
    the latter over the engine's.

    Args:
        folder: The arrays.
        rounds: Epochs of each, of which the median is taken.
        model: mlp or cnn.
        sizes: Of batches.
        arms: The norms.
    """
    pythons = {name: python_of(library) for name, library in LIBRARIES.items()}
    rows, versions = [], {}
    for size in sizes:
        steps = amounts.steps(model, size)
        for arm in arms:
            overrides = (f"model={model}", f"batch_size={size}", f"norm={arm}")
            with ExitStack() as stack:
                file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "task.npz"
                said, ours = engine_way(file, folder, steps, *overrides)
                clocks = {OURS: ours}
                for name, step in HERE[model].items():
                    clocks[name] = step(folder, steps, *overrides)
                for name, python in pythons.items():
                    peer = Peer(name, [python, str(script(LIBRARIES[name])), str(file)], steps)
                    stack.callback(peer.close)
                    check_same(f"{name}, {' '.join(overrides)}", said, peer.said)
                    versions[name] = peer.version
                    clocks[name] = peer.step
                found = medians(clocks, rounds)
            over = [f"{found[name] / found[OURS]:.2f}" for name in clocks if name != OURS]
            rows.append([str(size), arm, *(f"{1e6 * found[n]:.0f}" for n in clocks), *over])
    return rows, ", ".join(f"{name} {version}" for name, version in versions.items())


def header(model: str) -> list[str]:
    """Return the header of such rows."""
    others = [*HERE[model], *LIBRARIES]
    return ["batch", "norm", OURS, *others, *(f"{name} over {OURS}" for name in others)]


def engine_way(file: Path, folder: Path, steps: int, *overrides: str) -> tuple[Said, Timed]:
    """Write the task for the others; return what it gives the engine, and the engine's clock."""
    trial, made, data, chosen = restarted(folder, steps, *overrides)
    numbers: dict[str, Any] = dict(trial.optimizer.arguments)
    numbers["adam_epsilon"] = numbers.pop("epsilon")
    if trial.norm.layer:
        numbers |= {name: trial.norm.layer.arguments[name] for name in ("momentum", "epsilon")}
    np.savez(
        file,
        images=data[0].numpy(),
        labels=data[1].numpy(),
        first=chosen[:FIRST],
        chosen=chosen,
        **{name: np.float64(value) for name, value in numbers.items() if value is not None},
        **{variable.path: variable.numpy() for variable in made.model.variables},
    )
    first, _ = made.epoch(data, chosen[:FIRST])
    means = [each.numpy() for each in made.model.variables if each.name == "moving_mean"]
    losses, _ = made.epoch(data, chosen)
    return Said(first, means[0] if means else None, losses), clock(made, data, chosen)
