"""Sweeps side by side: one per checkout and profile, any number per store."""

import json
import sys

import pytest
from checkout import PROFILE, Checkout
from kills import digest, workers_of

SWEEP = (sys.executable, "-m", "pipeline", "sweep", PROFILE)
STATUS = (sys.executable, "-m", "pipeline", "status", PROFILE)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Checkout, Checkout]:
    """Two checkouts that share a store, ready to sweep."""
    store = str(tmp_path_factory.mktemp("shared") / "store")
    made = tuple(
        Checkout(tmp_path_factory.mktemp(name), NORMBENCH_STORE=store) for name in ("one", "two")
    )
    for checkout in made:
        for stage in ("compose", "prepare"):
            checkout.run(sys.executable, "-m", "pipeline", stage, PROFILE)
    return made


def test_two_checkouts_that_share_a_store_end_with_one_digest(pair):
    running = [checkout.start(*SWEEP, "--cluster", "local workers=1") for checkout in pair]
    while running[0].poll() is None and not workers_of(running[0].pid):
        pass
    refused = pair[0].run(*SWEEP, code=2)
    assert f"held by process {running[0].pid}" in refused
    assert len(refused.splitlines()) == 1
    assert "running: process" in pair[0].run(*STATUS)
    for sweep in running:
        said, _ = sweep.communicate()
        assert sweep.returncode == 0, said
    assert digest(pair[0]) == digest(pair[1])
    assert pair[0].run(*STATUS).splitlines()[-1].startswith("done")


def test_every_stored_trial_is_the_same_when_it_is_trained_again(pair):
    said = pair[0].run(
        sys.executable, "-m", "pipeline", "verify", "--sample", "3", "--profile", PROFILE
    )
    assert "verify: 3 trials, 3 the same" in said
    line = (pair[0].root / f"artifacts/{PROFILE}/studies.jsonl").read_text().splitlines()[0]
    shown = pair[0].run(
        sys.executable, "-m", "pipeline", "show", "--json", json.loads(line)["key"][:12]
    )
    assert json.loads(shown)["key"] == json.loads(line)["key"]
