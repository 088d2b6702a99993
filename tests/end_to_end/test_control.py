"""Control from the command line and through every stage: one arm after another, to a verdict."""

import json
import os
import subprocess
import sys

import pytest
from checkout import Checkout

SMALL = ("dataset.train=256", "dataset.validation=5", "dataset.test=5", "steps_per_epoch=40")
STAGES = """\
from pipeline.__main__ import main

for stage in ("compose", "prepare", "sweep", "confirm", "cost", "analyze", "report"):
    more = ["--cluster", "inline"] if stage in ("sweep", "confirm") else []
    assert main([stage, "control", *more]) == 0, stage
assert main(["verify", "--profile", "control", "--sample", "2"]) == 0
"""
SHRUNK = """\
overrides:
  - dataset.train=256
  - dataset.validation=5
  - dataset.test=5
  - examples=256
  - batch_size=16
  - epochs=2
  - steps_per_epoch=20
  - probes.recalibration_examples=100
  - design.own.choosing=2
  - seeds=[1,2,3,4]
analysis:
  minimum: 2"""


@pytest.fixture
def train(tmp_path):
    def run(*overrides):
        return subprocess.run(
            [sys.executable, "-m", "pipeline", "train", *overrides, "--json"],
            env=os.environ | {"NORMBENCH_STORE": str(tmp_path / "store")},
            capture_output=True,
            text=True,
        )

    return run


def test_a_policy_is_trained_from_the_command_line(train):
    case = ("-m", "task=control", "model=q_network", "norm=none,batch_joint", *SMALL)
    done = train(*case, "optimizer.learning_rate=0.01", "epochs=2")
    assert done.returncode == 0, done.stderr
    plain, joint = json.loads(done.stdout)
    assert plain["metrics"]["parameters"] == 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2
    assert joint["metrics"]["parameters"] == plain["metrics"]["parameters"] + 2 * 2 * 64
    assert 0 < plain["metrics"]["validation_score"] < 1


@pytest.mark.slow
def test_the_shipped_profile_shrunk_ends_in_a_verdict(tmp_path):
    made = Checkout(tmp_path / "control")
    made.edit("conf/profile/control.yaml", "analysis:\n  minimum: null", SHRUNK)
    made.run("python", "-c", STAGES)
    page = (made.root / "reports/control/report.md").read_text()
    assert "In reinforcement learning batch norm is to be avoided." in page
    [untested] = [line for line in page.splitlines() if "does not run what tests" in line]
    assert "T12" in untested
    assert "T13" not in untested
