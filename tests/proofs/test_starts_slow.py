"""Trials that start from other trials, swept for real: one digest, whoever works and dies."""

import os
import signal
import sys

import pytest
from checkout import Checkout
from kills import wait_for, workers_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PROFILE = "little"
LITTLE = """\
# The transfer profile, shrunk.
defaults: [transfer, _self_]
experiments: [pretraining, transfer]
overrides:
  - dataset.train=200
  - dataset.validation=100
  - dataset.test=100
  - examples=100
  - epochs=1
  - steps_per_epoch=4
  - probes.recalibration_examples=100
  - seeds=[1,2,3]
analysis: {minimum: 1}
"""


class Soon:
    """Draws no time to wait, and the first of all victims."""

    def uniform(self, *_):
        return 0.0

    def choice(self, victims):
        return victims[0]


def normbench(*words):
    return (sys.executable, "-m", "pipeline", *words)


def test_a_profile_with_starts_has_one_digest_and_each_of_its_trials_comes_out_again(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    (checkout.root / "conf" / "profile" / f"{PROFILE}.yaml").write_text(LITTLE)
    for stage in ("compose", "prepare"):
        checkout.run(*normbench(stage, PROFILE))
    store, sealed = checkout.root / "store", checkout.root / f"artifacts/{PROFILE}/studies.jsonl"

    def swept(cluster):
        checkout.run(*normbench("sweep", PROFILE, "--cluster", cluster))
        return sealed.read_bytes()

    def forget(pattern):
        for file in store.glob(pattern):
            file.unlink()

    expected = swept("inline")
    started = [line for line in expected.decode().splitlines() if '"start":null' not in line]
    assert len(started) > len(expected.decode().splitlines()) / 2
    for cluster in ("local workers=1", "local workers=2"):
        forget("*/*")
        assert swept(cluster) == expected

    for victims in (workers_of, lambda pid: [pid] if any(store.glob("*/*.weights")) else []):
        forget("*/*")
        sweep = checkout.start(*normbench("sweep", PROFILE, "--cluster", "local workers=2"))
        victim = wait_for(lambda: victims(sweep.pid), sweep, Soon())  # noqa: B023
        os.kill(victim, signal.SIGKILL)
        sweep.communicate()
        assert swept("local workers=2") == expected

    damaged, lost, kept = sorted(store.glob("*/*.weights"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    lost.unlink()
    before = kept.stat().st_mtime_ns
    assert swept("inline") == expected
    assert len(list(store.glob("*/*.weights"))) == 3
    assert kept.stat().st_mtime_ns == before
    forget("*/*.weights")
    said = checkout.run(*normbench("verify", "--sample", "4", "--profile", PROFILE))
    assert "verify: 4 trials, 4 the same" in said
    assert not list(store.glob("*/*.weights"))  # the store stays as it is
