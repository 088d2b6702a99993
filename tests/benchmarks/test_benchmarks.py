"""make bench: how near training is to the machine's limit, written to reports/benchmarks.md.

ROUNDS and TRIALS of the environment shrink it; the published page has five rounds,
three times as many of single steps, and 60 trials.
"""

from pathlib import Path

import pytest
from amounts import CNN, MLP, ROUNDS, STEP_ROUNDS, TRIALS
from pages import publish, table

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

PAGE, TITLE = Path("reports/benchmarks.md"), "Training, measured"
SWEEP = ["way", "seconds", "times faster than fit on 1 thread"]


def test_a_step_as_a_share_of_the_peak(folder):
    from steps import MATRIX, shares

    peak, rows, _ = shares(folder, STEP_ROUNDS)
    publish(
        PAGE,
        TITLE,
        1,
        "A step at batch 128",
        f"{STEP_ROUNDS} rounds; the peak is {peak / 1e9:.0f} GFLOP/s.\n\n"
        + table(["case", "ms a step", "share of peak", "over plain"], rows),
        about=f"On one thread, median of rounds. The peak is one {MATRIX}x{MATRIX} matrix product. "
        "Shares count matrix products and convolutions alone.",
    )
    assert len(rows) == 8


def test_what_batch_norm_costs_in_a_cnn(folder):
    from steps import norm_costs

    rows = norm_costs(folder, STEP_ROUNDS)
    publish(
        PAGE,
        TITLE,
        3,
        "What batch norm costs a CNN's step",
        table(["batch", "plain, ms", "fused over plain", "Keras's over plain"], rows),
        about="The fused kernel, and Keras's own layer in the same graph. A batch of 128 moves "
        "more than the processor's caches hold; smaller ones do not.",
    )
    assert len(rows) == 3


def test_where_a_step_goes(folder):
    from step_profile import rows

    header = ["operations", "plain", "batch norm", "difference"]
    found = {model: rows(folder, ROUNDS, model) for model in ("mlp", "cnn")}
    publish(
        PAGE,
        TITLE,
        2,
        "Where a step goes",
        "MLP:\n\n" + table(header, found["mlp"]) + "\nCNN:\n\n" + table(header, found["cnn"]),
        about="Milliseconds by TensorFlow's profiler, which itself costs some. The convolutions "
        "and products are what the share above counts, and they themselves run below the peak; "
        "the rest moves memory.",
    )
    for table_of_model in found.values():
        assert float({row[0]: row[1] for row in table_of_model}["matrix products"]) > 0


def test_steps_by_batch_size(folder):
    from steps import by_batch

    rows = by_batch(folder, STEP_ROUNDS)
    header = ["batch", "plain", "batch norm", "twin, batch norm", "twin over engine"]
    publish(PAGE, TITLE, 4, "Microseconds a step of the MLP with Adam", table(header, rows))
    assert len(rows) == 5


def test_a_workers_memory(folder):
    from sweeps import memory

    rows = memory(folder, 200)
    header = ["model", "after 1 trial", "after 200", "growth"]
    publish(PAGE, TITLE, 5, "A worker's memory, MB", table(header, rows))
    assert len(rows) == 2


def test_a_sweep_of_the_mlp(folder):
    from sweeps import sweep

    rows = sweep(folder, "mlp", TRIALS, **MLP, rounds=ROUNDS)
    publish(
        PAGE,
        TITLE,
        6,
        "A sweep of MLP trials",
        f"{TRIALS} trials.\n\n" + table(SWEEP, rows),
        about="Rate, momentum, epsilon and batch 8 to 512 at random; arms none, batch, layer; "
        "mnist_5k, 5 epochs. The engine's trials measure the train/inference gap besides.",
    )
    assert len(rows) == 6


def test_a_sweep_of_the_cnn(folder):
    from sweeps import sweep

    rows = sweep(folder, "cnn", TRIALS // 4, **CNN, rounds=ROUNDS)
    publish(
        PAGE,
        TITLE,
        7,
        "A sweep of CNN trials",
        f"{TRIALS // 4} trials.\n\n" + table(SWEEP, rows),
        about="1,000 images, 3 epochs.",
    )
    assert len(rows) == 6
