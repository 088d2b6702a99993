"""make bench: how near training is to the machine's limit, written to reports/benchmarks.md.

ROUNDS and TRIALS of the environment shrink it; the published page has five
rounds and 60 trials. Everything compared is measured in turn in one run.
"""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ways import prepared, trial_of

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

ROUNDS = int(os.environ.get("ROUNDS", "5"))
TRIALS = int(os.environ.get("TRIALS", "60"))
PAGE = Path("reports/benchmarks.md")


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def test_training_is_measured(tmp_path):
    from pipeline.training.determinism import configure

    configure("cpu", threads=1)
    from step_profile import rows as profiled
    from steps import by_batch, shares
    from sweeps import memory, sweep

    folder = prepared(tmp_path)
    peak, share_rows, _ = shares(folder, ROUNDS)
    profile_rows = profiled(folder, ROUNDS)
    batch_rows = by_batch(folder, ROUNDS)
    memory_rows = memory(folder, 200)
    mlp_rows = sweep(folder, "mlp", TRIALS, epochs=5, examples=3000, rounds=ROUNDS)
    cnn_rows = sweep(folder, "cnn", TRIALS // 4, epochs=3, examples=1000, rounds=ROUNDS)

    facts = trial_of(folder).environment
    sweep_header = ["way", "seconds", "times faster than fit on 1 thread"]
    PAGE.write_text(
        "# Training, measured\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {facts.processor.split(' avx')[0]}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"TensorFlow {facts.tensorflow}, Keras {facts.keras}. Medians of {ROUNDS} rounds, "
        "everything compared in turn in one run; one thread unless said. Machines are noisy: "
        "trust ratios.\n\n"
        f"`make bench` writes this page.\n\n## A step at batch 128\n\n"
        f"The peak is one {1024}x{1024} matrix product: {peak / 1e9:.0f} GFLOP/s. Shares "
        "count matrix products and convolutions alone.\n\n"
        + table(["case", "ms a step", "share of peak", "over plain"], share_rows)
        + "\n## Where a CNN step goes\n\n"
        "Milliseconds by TensorFlow's profiler, which itself costs some. The step's products and "
        "convolutions are what the share above counts; the rest moves memory.\n\n"
        + table(["operations", "plain", "batch norm", "difference"], profile_rows)
        + "\n## Microseconds a step of the MLP with Adam\n\n"
        + table(
            ["batch", "plain", "batch norm", "twin, batch norm", "twin over engine"], batch_rows
        )
        + "\n## A worker's memory, MB\n\n"
        + table(["model", "after 1 trial", "after 200", "growth"], memory_rows)
        + f"\n## A sweep of {TRIALS} MLP trials\n\n"
        "Rate, momentum, epsilon and batch 8 to 512 at random; arms none, batch, layer; mnist_5k, "
        "5 epochs. The engine's trials measure the train/inference gap besides.\n\n"
        + table(sweep_header, mlp_rows)
        + f"\n## A sweep of {TRIALS // 4} CNN trials\n\n1,000 images, 3 epochs.\n\n"
        + table(sweep_header, cnn_rows)
    )
    assert len(share_rows) == 8
    assert len(mlp_rows) == len(cnn_rows) == 6
