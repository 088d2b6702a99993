"""Where a step's time goes, by kind of operation, from TensorFlow's own profiler."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
from steps import BATCH
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from ways import trial_of

from pipeline.training import engine

KINDS = {  # the first pattern that an operation's kernel matches
    "convolution, forward (with bias, ReLU)": r"FusedConv2D|NativeConv2D$|^Conv2D$",
    "convolution, gradient of the filter": r"Conv2DBackpropFilter",
    "convolution, gradient of the input": r"Conv2DBackpropInput",
    "matrix products": r"MatMul",
    "normalization kernel, forward (with ReLU)": r"FusedBatchNorm(?!Grad)",
    "normalization kernel, gradient": r"FusedBatchNormGrad",
    "pooling": r"MaxPool",
    "ReLU's gradient": r"ReluGrad",
    "optimizer": r"ResourceApply",
    "gathering the batch": r"Gather",
    "bias and its gradient": r"BiasAdd",
    "sums and means": r"^(Mean|Sum)$",
    "products, differences and roots": r"^(Mul|Sub|Add\w*|Squared?\w*|Rsqrt|Neg|RealDiv)$",
    "loss": r"Softmax|ArgMax|Equal",
    "variables": r"Variable",
}
REST = "everything else"


def profile(folder: Path, rounds: int, steps: int, *overrides: str) -> dict[str, float]:
    """Return milliseconds a step of each kind, the median over rounds of an epoch of `steps`."""
    trial = trial_of(folder, f"batch_size={BATCH}", *overrides)
    data = engine._resident(folder, trial.data_digest)
    made = engine.Engine(trial, data, 10)
    made.restart(trial)
    chosen = np.random.default_rng(0).integers(0, len(data[1]), (steps, BATCH))
    made.epoch(data, chosen)
    found: list[dict[str, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            tf.profiler.experimental.start(scratch)
            made.epoch(data, chosen)
            tf.profiler.experimental.stop()
            found.append(_by_kind(Path(scratch), steps))
    return {kind: median(each[kind] for each in found) for kind in (*KINDS, REST)}


def rows(folder: Path, rounds: int, model: str) -> list[list[str]]:
    """Return rows: kind of operation, ms a step plain and with batch norm, difference."""
    steps = {"mlp": 90, "cnn": 10}[model]
    plain = profile(folder, rounds, steps, f"model={model}", "norm=none")
    batch = profile(folder, rounds, steps, f"model={model}", "norm=batch")
    table = [
        [kind, f"{plain[kind]:.2f}", f"{batch[kind]:.2f}", f"{batch[kind] - plain[kind]:+.2f}"]
        for kind in plain
        if plain[kind] or batch[kind]
    ]
    sums = sum(plain.values()), sum(batch.values())
    return [*table, ["sum", *(f"{total:.2f}" for total in sums), f"{sums[1] - sums[0]:+.2f}"]]


def _by_kind(log: Path, steps: int) -> dict[str, float]:
    milliseconds = dict.fromkeys((*KINDS, REST), 0.0)
    for kernel, picoseconds in _operations(log):
        kind = next((kind for kind, seen in KINDS.items() if re.search(seen, kernel)), REST)
        milliseconds[kind] += picoseconds / 1e9 / steps
    return milliseconds


def _operations(log: Path) -> Iterator[tuple[str, int]]:
    """Yield the kernel and the duration of each operation inside the graph that was traced."""
    space = xplane_pb2.XSpace()
    (written,) = log.glob("**/*.xplane.pb")
    space.ParseFromString(written.read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, _, kernel = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if "/" in name:  # an operation is called SCOPE/NAME:KERNEL
                    yield kernel, event.duration_ps
