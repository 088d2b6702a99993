"""Slow proofs: engine and twin end alike over many seeds; a case has its bits in any process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cases import ARMS, OPTIMIZERS, fits, is_slow, overrides
from scipy import stats

pytestmark = pytest.mark.slow

SEEDS = range(20)
SMALL = {
    "mlp": ("model=mlp", "batch_size=16", "epochs=4"),
    "cnn": ("model=cnn", "model.width=8", "batch_size=16", "epochs=3"),
}
CASES = [
    overrides(model, arm, optimizer)
    for model in sorted(file.stem for file in Path("conf/model").glob("*.yaml"))
    for arm in ARMS
    for optimizer in OPTIMIZERS
    if fits(model, arm) and not is_slow(model, arm, optimizer)
]


@pytest.mark.parametrize("arm", ["none", "batch"])
@pytest.mark.parametrize("model", SMALL)
def test_engine_and_twin_end_in_the_same_distribution(model, arm, asked, folder):
    """Kolmogorov and Smirnov's test on the last validation loss, and a t interval on the pairs."""
    from pipeline.training import engine, fit

    losses: dict[str, list[float]] = {"engine": [], "fit": []}
    for seed in SEEDS:
        for trainer in (engine, fit):
            name = trainer.__name__.rpartition(".")[2]
            trial = asked(*SMALL[model], f"norm={arm}", f"seed={seed}", f"trainer={name}")
            curve = trainer.train(trial, folder).result.curves["validation_loss"]
            losses[name].append(curve[-1])
    assert stats.ks_2samp(losses["engine"], losses["fit"]).pvalue > 0.05
    interval = stats.ttest_rel(losses["engine"], losses["fit"]).confidence_interval(0.999)
    assert interval.low <= 0 <= interval.high


WORKER = """
import json, sys
from pathlib import Path
from pipeline.records import Trial
from pipeline.training.determinism import configure
configure("cpu", threads=1)
from pipeline.training.engine import train
folder = Path(sys.argv[1])
for line in sys.stdin:
    print(train(Trial.parse(json.loads(line)), folder).result.model_dump_json(), flush=True)
"""


def test_two_workers_and_this_process_give_the_same_bits_for_every_case(asked, folder):
    """One worker takes the cases in order, the other backwards: graphs are reused otherwise."""
    from pipeline.training import engine

    trials = [asked(*case) for case in CASES]
    assert len(trials) >= 24
    here = [engine.train(trial, folder).result.model_dump_json() for trial in trials]
    for order in (1, -1):
        lines = "".join(json.dumps(trial.plain()) + "\n" for trial in trials[::order])
        done = subprocess.run(
            [sys.executable, "-c", WORKER, str(folder)],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[::order] == here
