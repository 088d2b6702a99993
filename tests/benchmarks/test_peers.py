"""make bench: our step and our sweep beside other tools', written to reports/benchmarks_peers.md.

Their environments are made below build/peers from the package index; where there is none, a line
says so and what else there is to measure is measured.
"""

from pathlib import Path

import pytest
from amounts import CNN, CNN_SIZES, MLP, ROUNDS, SIZES, STEP_ROUNDS, TRIALS
from pages import publish, table

from pipeline.errors import Refusal

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

PAGE, TITLE = Path("reports/benchmarks_peers.md"), "Beside other tools, measured"
SWEEP_ROUNDS = 1  # whole sweeps of minutes


def test_steps_of_the_mlp_in_other_libraries(folder):
    steps(folder, 1, "mlp", SIZES, STEP_ROUNDS)


def test_steps_of_the_cnn_in_other_libraries(folder):
    steps(folder, 2, "cnn", CNN_SIZES, ROUNDS)


def test_a_sweep_of_the_mlp_by_other_tools(folder):
    sweep(folder, 3, "mlp", TRIALS, MLP)


def test_a_sweep_of_the_cnn_by_other_tools(folder):
    sweep(folder, 4, "cnn", TRIALS // 4, CNN)


def steps(folder: Path, place: int, model: str, sizes: tuple[int, ...], rounds: int) -> None:
    from peer_steps import header, step_rows

    try:
        rows, versions = step_rows(folder, rounds, model, sizes)
    except Refusal as refusal:
        pytest.skip(str(refusal))
    publish(
        PAGE,
        TITLE,
        place,
        f"Microseconds a step of the {model.upper()}",
        f"{rounds} rounds.\n\n" + table(header(model), rows),
        about="On one thread each, median of rounds. All train the same: first weights, examples "
        "and their order, batch norm and Adam; what the first steps give is held together. Keras's "
        "fit takes an epoch per execution, PyTorch is an eager loop with its fused Adam, JAX a "
        "compiled scan over an epoch. Tracing and compiling are not counted.",
        peers=versions,
    )
    assert len(rows) == 2 * len(sizes)


def sweep(folder: Path, place: int, model: str, count: int, shape: dict[str, int]) -> None:
    from peer_sweeps import HEADER, WAYS, sweep_rows, versions

    try:
        rows = sweep_rows(folder, model, count, **shape, rounds=SWEEP_ROUNDS)
    except Refusal as refusal:
        pytest.skip(str(refusal))
    publish(
        PAGE,
        TITLE,
        place,
        f"A sweep of {model.upper()} trials",
        f"{count} trials.\n\n" + table(HEADER, rows),
        about="The trials of the sweeps in benchmarks.md, from a command's start to its end: "
        "loading libraries and starting workers are counted. All but ours train by Keras's fit, on "
        "one thread a process, and come to the same scores, which is checked.",
        peers=versions(),
    )
    assert len(rows) == len(WAYS)
