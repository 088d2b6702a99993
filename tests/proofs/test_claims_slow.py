"""Every claim that needs no download, from configuration to verdict, on a few real examples."""

import json
import sys

import pytest
from checkout import Checkout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROFILE = "little"
LITTLE = """\
# Every claim, shrunk: has each of them a verdict, not which.
defaults: [claims, _self_]
overrides:
  - dataset.train=300
  - dataset.validation=100
  - dataset.test=100
  - examples=200
  - epochs=2
  - steps_per_epoch=null
  - budget=2
  - searches=2
  - search.batch_size.high=64
  - seeds=[1,2,3,4]
  - confirm_seeds=[101]
analysis: {minimum: 1, cost_experiments: []}
"""


def test_all_claims_and_controls_get_a_verdict_and_a_place_on_the_page(tmp_path):
    checkout = Checkout(tmp_path / "checkout", PROFILE)
    (checkout.root / "conf" / "profile" / f"{PROFILE}.yaml").write_text(LITTLE)
    for stage in ("compose", "prepare", "sweep", "confirm", "cost", "analyze", "report"):
        checkout.run(sys.executable, "-m", "pipeline", stage, PROFILE)
    folder = checkout.root / "reports" / PROFILE
    claims = json.loads((folder / "analysis.json").read_text())["findings"]["verdicts"]["claims"]
    words = {each["claim"]["id"]: each["judgement"]["verdict"]["word"] for each in claims}
    untested = {claim for claim, word in words.items() if word == "not tested here"}
    # P1 takes a processor of bfloat16. T1 is on full MNIST and T9f on Fashion-MNIST: T1s and T9
    # stand for them here. T16c costs what the profile depth is for. C1 holds seeds against others
    # that four do not have.
    assert untested == {"P1", "T1", "T9f", "T16c", "C1"}
    told = {f"T{number}" for number in range(2, 17)} | {"T1s", "T4l", "T9l", "T11c", "C2", "C3"}
    assert told <= words.keys() - untested
    page = (folder / "report.html").read_text()
    assert all(f'id="{claim}"' in page for claim in told)
