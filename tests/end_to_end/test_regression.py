"""Regression from a table to a report: its own words, and figures computed again beside it."""

import itertools
import json
import math
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
from checkout import Checkout

ARMS = ("none", "batch", "layer")
EXPERIMENT = """\
# Of houses.
datasets: [houses]
models: [mlp]
norms: [{norms}]
optimizers: [adam]
design: {design}
axes: {{}}
overrides: [epochs=3, {overrides}]
"""
FILES = {
    "conf/dataset/houses.yaml": """\
# 240 made-up districts, and what a house costs there.
defaults:
  - table
  - _self_
task: regression
source: {path: houses.csv, target: price, categorical: [place]}
train: 120
validation: 60
test: 60
""",
    "conf/experiment/houses_tuned.yaml": EXPERIMENT.format(
        norms="none, batch, layer", design="tpe", overrides="budget=2, searches=2"
    ),
    "conf/experiment/houses_map.yaml": EXPERIMENT.format(
        norms="none, batch_default", design="map", overrides='budget=4, "seeds=[1,2]"'
    ),
    "conf/experiment/houses_norms.yaml": EXPERIMENT.format(
        norms="none, layer", design="factorial", overrides='"seeds=[1,2,3]"'
    ),
    "conf/profile/houses.yaml": """\
# What houses cost.
defaults: [quick, _self_]
experiments: [houses_tuned, houses_map, houses_norms]
overrides: [search.batch_size.high=32, "confirm_seeds=[11,12]"]
analysis: {minimum: 2, cost_experiments: []}
""",
    "conf/claim/houses.yaml": """\
# Whether layer normalization errs less.
id: H1
source: somebody
statement: Layer norm comes closer to what a house costs.
experiment: houses_norms
statistics: moving
clusters: 3
minimum: 2
expected: inconclusive
parts:
  - name: error
    effect: {_target_: pipeline.claims.kinds.errors.log_error_ratio, metric: validation_error}
    treatment: {arm: layer}
    control: {arm: none}
    asserts: less
    rule: {kind: direction, margin: 0.1}
""",
}
STAGES = """\
from pipeline.__main__ import main

for stage in ("compose", "prepare", "sweep", "confirm", "cost", "analyze", "report"):
    more = ["--cluster", "inline"] if stage in ("sweep", "confirm") else []
    assert main([stage, "houses", *more]) == 0, stage
"""


def houses() -> str:
    """Return a table of a seeded draw."""
    rng = np.random.default_rng(0)
    rows = ["income,age,rooms,place,price"]
    for income, age, rooms in rng.uniform(0, 1, (240, 3)):
        place = str(rng.choice(["inland", "near the bay", "island"]))
        price = 3 * income - age + rooms * (place != "inland") + rng.normal(0, 0.1)
        rows.append(f"{income:.4f},{age:.4f},{rooms:.4f},{place},{price:.4f}")
    return "\n".join(rows)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """A copy of the checkout whose only claim is of houses, gone through to its report."""
    made = Checkout(tmp_path_factory.mktemp("regression"))
    for group in ("claim", "situation"):
        for shipped in (made.root / "conf" / group).glob("*.yaml"):
            shipped.unlink()
    for name, text in (*FILES.items(), ("houses.csv", houses())):
        (made.root / name).write_text(text)
    made.run("python", "-c", STAGES)
    return made


@pytest.fixture(scope="module")
def page(checkout) -> str:
    return (checkout.root / "reports/houses/report.md").read_text().replace("\\", "")


def answers(checkout: Checkout, name: str, study: str) -> list[dict[str, float]]:
    """Return the metrics of a study's runs."""
    lines = (checkout.root / f"artifacts/houses/{name}.jsonl").read_text().splitlines()
    found = [each for each in map(json.loads, lines) if each["study"] == study]
    found.sort(key=lambda each: each["trial"]["seed"])
    return [each["result"]["metrics"] for each in found]


def test_the_page_says_what_the_task_says(page):
    for said in ("Test R2", "validation R2", "10% smaller mean squared error", "none: numbers"):
        assert said in page
    assert not re.findall(r"(?i)accurac|classes|images|fewer|errors, as", page)


def test_scores_are_the_explained_share_of_the_variance(checkout, page):
    targets = np.load(checkout.root / "artifacts/houses/arrays/houses/test_targets.npy")
    for arm in ARMS:
        name = f"houses_tuned/houses/mlp/adam/{arm}"
        searches = [answers(checkout, "confirmed", study) for study in (name, f"{name}/2")]
        runs = [run for found in searches for run in found]
        explained = [max(0.0, 1 - each["test_error"] / float(np.var(targets))) for each in runs]
        assert [each["test_score"] for each in runs] == pytest.approx(explained, abs=1e-6)
        assert len(runs) == 4
        assert f"| houses · mlp | {arm} | {100 * np.mean(explained):.2f}% [" in page


def test_the_claim_s_effect_is_the_ratio_of_the_errors(checkout, page):
    layer, plain = (
        [run["validation_error"] for run in answers(checkout, "studies", name)]
        for name in (f"houses_norms/houses/mlp/adam/{arm}" for arm in ("layer", "none"))
    )
    apart = np.log(layer) - np.log(plain)
    pairs = itertools.combinations_with_replacement(apart.tolist(), 2)
    multiple = math.exp(statistics.median((one + other) / 2 for one, other in pairs))
    said = re.search(r"error: (\S+) (smaller|larger|times)", page)
    assert said is not None
    shown = float(said[1].rstrip("%"))
    percents = 100 * (multiple - 1 if said[2] == "larger" else 1 - multiple)
    assert shown == pytest.approx(multiple if said[2] == "times" else percents, abs=0.5)


@pytest.mark.slow
def test_two_workers_seal_the_same_answers_as_one(checkout, tmp_path):
    sealed = checkout.root / "artifacts/houses/studies.jsonl"
    one = sealed.read_bytes()
    checkout.environment["NORMBENCH_STORE"] = str(Path(tmp_path, "store"))
    sweep = ("python", "-m", "pipeline", "sweep", "houses", "--cluster", "local workers=2")
    said = checkout.run(*sweep)
    assert "sweep: 26 trials, 26 of them trained now" in said
    assert sealed.read_bytes() == one
