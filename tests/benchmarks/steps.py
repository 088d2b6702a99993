"""What a step costs, in this process on one thread: shares of the GEMM peak, kernels, batch sizes.

Everything in a table is measured in turn, round after round, and shown as the median.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import amounts
import keras
import numpy as np
import tensorflow as tf
from amounts import CNN_SIZES, SIZES
from numpy.typing import NDArray
from ways import trial_of

from pipeline.records import Trial
from pipeline.training import engine
from pipeline.training.setting import arrays, built, decayed
from pipeline.training.steps import keras_optimizer

Timed = Callable[[], float]
MATRIX = 1024
BATCH = 128


def peak_flops() -> float:
    """Return floating-point operations a second of one single-precision matrix product."""
    matrix = tf.random.stateless_normal((MATRIX, MATRIX), seed=(0, 0))
    product = tf.function(lambda a: tf.matmul(a, a))
    product(matrix)
    seconds = []
    for _ in range(15):
        started = time.perf_counter()
        product(matrix).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * MATRIX**3 / median(seconds)


def step_flops(model: str, batch: int) -> float:
    """Return the operations of a step's matrix products and convolutions, forward and backward.

    The first layer needs no gradient of its input, so it counts twice, the others three times.
    """
    if model == "mlp":
        first, others = 784 * 256, 256 * 128 + 128 * 10
    else:
        first, others = 784 * 9 * 32, 196 * 9 * 32 * 64 + 3136 * 128 + 128 * 10
    return 2 * batch * (2 * first + 3 * others)


def restarted(
    folder: Path, steps: int, *overrides: str
) -> tuple[Trial, engine.Engine, engine.Data, NDArray[np.int64]]:
    """Return a trial, its engine before the first step, its data, and an epoch's examples."""
    trial = trial_of(folder, *overrides)
    data = engine._resident(folder, trial.data_digest)
    made = engine.Engine(trial, data, 10)
    made.restart(trial)
    chosen = np.random.default_rng(0).integers(0, len(data[1]), (steps, trial.batch_size))
    return trial, made, data, chosen


def clock(made: engine.Engine, data: engine.Data, chosen: NDArray[np.int64]) -> Timed:
    """Return a clock of one step, in seconds, over an epoch."""

    def timed() -> float:
        started = time.perf_counter()
        made.epoch(data, chosen)
        return (time.perf_counter() - started) / len(chosen)

    return timed


def engine_step(folder: Path, steps: int, *overrides: str) -> Timed:
    """Return a clock of one step of the engine, in seconds, over an epoch of `steps`."""
    _, made, data, chosen = restarted(folder, steps, *overrides)
    timed = clock(made, data, chosen)
    timed()
    return timed


def keras_norm_step(folder: Path, steps: int, *overrides: str) -> Timed:
    """Return the same clock with Keras's own batch norm in the engine's graph."""
    ours = engine._is_ours
    engine._is_ours = lambda layer: False
    try:
        return engine_step(folder, steps, *overrides)
    finally:
        engine._is_ours = ours


def twin_step(folder: Path, steps: int, *overrides: str) -> Timed:
    """Return a clock of one step of plain Keras, an epoch per execution."""
    trial = trial_of(folder, *overrides)
    images, labels = arrays(folder, trial.data_digest, "train")
    model = built(trial, images.shape[1:], 10)
    model.compile(
        optimizer=keras_optimizer(
            trial.optimizer, model.trainable_variables, decayed(trial, model)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
        steps_per_execution=steps,
        jit_compile=False,
    )
    chosen = np.random.default_rng(0).integers(0, len(labels), steps * trial.batch_size)
    batch = images[chosen], labels[chosen]

    def timed() -> float:
        started = time.perf_counter()
        model.fit(*batch, batch_size=trial.batch_size, shuffle=False, verbose=0)
        return (time.perf_counter() - started) / steps

    timed()
    return timed


def medians(clocks: dict[str, Timed], rounds: int) -> dict[str, float]:
    """Return the median of each clock over rounds in which every clock ticks once."""
    seconds: dict[str, list[float]] = {name: [] for name in clocks}
    for _ in range(rounds):
        for name, clock in clocks.items():
            seconds[name].append(clock())
    return {name: median(values) for name, values in seconds.items()}


def shares(folder: Path, rounds: int) -> tuple[float, list[list[str]], dict[str, float]]:
    """Return the peak (a), and rows (b, f): model, arm, kernel, ms a step, share, over plain."""
    cases = {
        "mlp none": (engine_step, 90, "model=mlp", "norm=none"),
        "mlp batch": (engine_step, 90, "model=mlp", "norm=batch"),
        "mlp layer": (engine_step, 90, "model=mlp", "norm=layer"),
        "cnn none": (engine_step, 10, "model=cnn", "norm=none"),
        "cnn batch": (engine_step, 10, "model=cnn", "norm=batch"),
        "cnn batch (Keras's layer)": (keras_norm_step, 10, "model=cnn", "norm=batch"),
        "cnn layer": (engine_step, 10, "model=cnn", "norm=layer"),
        "cnn group": (engine_step, 10, "model=cnn", "norm=group"),
    }
    clocks: dict[str, Timed] = {
        name: clock(folder, steps, f"batch_size={BATCH}", *overrides)
        for name, (clock, steps, *overrides) in cases.items()
    }
    peaks: list[float] = []

    def peak() -> float:
        peaks.append(peak_flops())
        return peaks[-1]

    found = medians({"peak": peak, **clocks}, rounds)
    rows = []
    for name in cases:
        model = name.split()[0]
        share = step_flops(model, BATCH) / found[name] / found["peak"]
        over = found[name] / found[f"{model} none"]
        rows.append([name, f"{1000 * found[name]:.2f}", f"{share:.0%}", f"{over:.2f}"])
    return found["peak"], rows, found


def norm_costs(folder: Path, rounds: int) -> list[list[str]]:
    """Return rows (f): batch size, ms a plain CNN step, a step with each batch norm over it."""
    rows = []
    for size in CNN_SIZES:
        steps = amounts.steps("cnn", size)
        common = ("model=cnn", f"batch_size={size}")
        clocks = {
            "plain": engine_step(folder, steps, *common, "norm=none"),
            "fused": engine_step(folder, steps, *common, "norm=batch"),
            "keras": keras_norm_step(folder, steps, *common, "norm=batch"),
        }
        found = medians(clocks, rounds)
        over = [f"{found[name] / found['plain']:.2f}" for name in ("fused", "keras")]
        rows.append([str(size), f"{1000 * found['plain']:.2f}", *over])
    return rows


def by_batch(folder: Path, rounds: int) -> list[list[str]]:
    """Return rows (d): batch size, microseconds a step by arm and trainer, twin over engine."""
    rows = []
    for size in SIZES:
        steps = amounts.steps("mlp", size)
        common = ("model=mlp", f"batch_size={size}")
        clocks = {
            "engine none": engine_step(folder, steps, *common, "norm=none"),
            "engine batch": engine_step(folder, steps, *common, "norm=batch"),
            "twin batch": twin_step(folder, steps, *common, "norm=batch"),
        }
        found = medians(clocks, rounds)
        ratio = found["twin batch"] / found["engine batch"]
        rows.append([str(size), *(f"{1e6 * found[name]:.0f}" for name in clocks), f"{ratio:.2f}"])
    return rows
