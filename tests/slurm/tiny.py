"""A checkout with a profile of 20 trials, a second each."""

from pathlib import Path

from checkout import Checkout

PROFILE = "tiny"
PLAN = """\
# A tuned comparison shrunk to 20 trials of a second.
defaults:
  - quick
  - _self_
experiments: [tuned_mlp]
overrides:
  - dataset.train=300
  - dataset.validation=100
  - dataset.test=100
  - examples=200
  - epochs=12
  - steps_per_epoch=null
  - budget=2
  - searches=2
  - search.batch_size.high=64
  - seeds=[1,2]
  - confirm_seeds=[101]
analysis:
  minimum: 2
  cost_experiments: []
"""


def checked_out(root: Path, **environment: str) -> Checkout:
    found = Checkout(root, PROFILE, PYTHONUNBUFFERED="1", **environment)
    (found.root / "conf" / "profile" / f"{PROFILE}.yaml").write_text(PLAN)
    for stage in ("compose", "prepare"):
        found.pipeline(stage, PROFILE)
    return found
