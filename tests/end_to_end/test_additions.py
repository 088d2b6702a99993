"""What is added in one place: a finding, a kind of claim, a task.

Each test writes into a copy of the checkout, says which files it wrote, and sees that no
other was touched.
"""

import re

import pytest
from checkout import Checkout

FIGURES = '''\
"""The best validation score that any run of an arm reached."""

from __future__ import annotations

from typing import ClassVar

from pipeline.content import Record
from pipeline.findings.evidence import Evidence


class Best(Record):
    """One arm's best run, a share."""

    named_by: ClassVar = ("arm",)

    arm: str
    score: float


class Figures(Record):
    """The arms, sorted."""

    arms: tuple[Best, ...]


def figures(evidence: Evidence) -> Figures:
    """Look for each arm's best run."""
    best = evidence.runs.groupby("arm")["best_validation_score"].max()
    return Figures(arms=tuple(Best(arm=arm, score=best[arm]) for arm in sorted(best.index)))
'''
CHART = '''\
"""A bar for each arm."""

from __future__ import annotations

import altair as alt

from pipeline.findings.best_runs.figures import Figures
from pipeline.findings.summary import Summary
from pipeline.page.panels import Chart, Layout


def bars(summary: Summary, layout: Layout) -> Chart | None:
    """Draw the best score of each arm."""
    rows = [{"arm": each.arm, "score": each.score} for each in summary.of(Figures).arms]
    chart = alt.Chart(alt.NamedData("rows")).mark_bar().encode(x="arm:N", y="score:Q")
    return Chart(specification=chart.properties(width=layout.panel_width).to_dict(), rows=rows)
'''
SECTION = '''\
"""Which run was best."""

from __future__ import annotations

from pipeline.findings.best_runs.chart import bars
from pipeline.findings.best_runs.figures import Figures
from pipeline.findings.drawing import figure
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Section, Text


def section(summary: Summary) -> Section:
    """Return a sentence and the chart."""
    best = max(summary.of(Figures).arms, key=lambda each: each.score)
    said = Text(f"The best run of all is one of {best.arm}: {best.score:.1%}.")
    drawn = figure(
        summary, "best-runs", bars, caption="Best runs.", described="Bars.", stage="figures"
    )
    return Section("best-runs", "The best runs", (said, drawn))
'''
FINDING = {
    "pipeline/findings/best_runs/__init__.py": '"""The best runs."""\n',
    "pipeline/findings/best_runs/figures.py": FIGURES,
    "pipeline/findings/best_runs/chart.py": CHART,
    "pipeline/findings/best_runs/section.py": SECTION,
}
KIND = '''\
"""How much of its score an arm gains after the first evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.claims.kind import Curve, points, reads
from pipeline.statistics.pairs import CONTROL, failure_sample, pair, trained
from pipeline.statistics.runs import sequence
from pipeline.statistics.samples import Sample, sample_of


@reads(points("points of climb", times=100))
def climb(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], curve: Curve
) -> Sample:
    """Treatment's climb minus control's, a share."""
    pairs = pair(treatment, control, block=block)
    both = trained(pairs)
    ours, theirs = (
        [sequence(scores)[-1] - sequence(scores)[0] for scores in both[curve + side]]
        for side in ("", CONTROL)
    )
    return sample_of(
        np.subtract(ours, theirs),
        seeds=both["seed"],
        present=len(pairs),
        failures=failure_sample(pairs),
    )
'''
CLIMB = """\
# By how much more the plain network climbs after the first evaluation.
id: X1
source: somebody
statement: Plain networks climb more.
experiment: norms_mlp
statistics: moving
clusters: 8
minimum: 8
expected: inconclusive
parts:
  - name: climb
    effect: {_target_: pipeline.claims.kinds.climb.climb, curve: validation_score_curve}
    treatment: {arm: none}
    control: {arm: layer}
    asserts: greater
    rule: {kind: direction, margin: 0.01}
"""
CLAIM = {
    "pipeline/claims/kinds/climb.py": KIND,
    "conf/claim/climb.yaml": CLIMB,
}
TASK = '''\
"""Numbers against numbers, scored by how far they are apart."""

from __future__ import annotations

import math

import numpy as np

from pipeline.errors import Refusal
from pipeline.records import Component


class Absolute:
    """A score is one less the mean distance over the targets' deviation."""

    loss = Component(target="keras.losses.MeanAbsoluteError", arguments={})
    tally = "keras.losses.mean_absolute_error"

    def check(self, manifest):
        if manifest.labels:
            raise Refusal(f"dataset {manifest.name}: its targets are no numbers")

    def training_score(self, tally, spread):
        return max(0.0, 1 - tally / math.sqrt(spread))

    def loss_of(self, outputs, targets):
        return self.error(outputs, targets)

    def score(self, outputs, targets, spread):
        return self.training_score(self.error(outputs, targets), spread)

    def error(self, outputs, targets):
        return float(np.mean(np.abs(outputs.astype(np.float64) - targets)))

    def uninformed(self, outputs, spread):
        return 0.0, math.sqrt(spread)

    def packed(self, outputs, targets, spread):
        return np.abs(outputs - targets).mean(axis=1).astype("<f4").tobytes().hex()

    def unpacked(self, text, examples):
        return 1 - np.frombuffer(bytes.fromhex(text), "<f4")[:examples].astype(np.float64)

    def outcomes(self, text):
        return [float(part) for part in np.frombuffer(bytes.fromhex(text), "<f4")]

    def total(self, text):
        return "apart", float(np.mean(self.outcomes(text)))

    def log_error(self, errors, examples):
        return np.log(np.maximum(np.asarray(errors, np.float64), 1e-300))

    def fails_below(self, best_score):
        return best_score / 2
'''
DISTANCES = {
    "pipeline/tasks/absolute.py": TASK,
    "conf/task/absolute.yaml": """\
# Regression by distances, which a few far targets do not rule.
_target_: pipeline.tasks.absolute.Absolute
trainers: [engine]
score: closeness
error: {noun: distance, less: shorter, more: longer}
""",
}
PAGE = """\
import itertools
import statistics
import sys
sys.path.insert(0, "tests/unit")
from pathlib import Path
from fake_analysis import fake_analysis
from fake_profile import fake_profile
from pipeline.findings.pages import pages
from pipeline.findings.summary import Summary

summary = fake_analysis()
assert Summary.model_validate_json(summary.text()) == summary
for name, text in pages(summary).items():
    Path("page", name).parent.mkdir(parents=True, exist_ok=True)
    Path("page", name).write_text(text)
profile = fake_profile()
runs = profile.swept
curves = [answer.result.curves["validation_score"] for answer in runs]
every = [answer.result for answer in (*runs, *profile.confirmed)]  # winners have fresh seeds
scores = [(*each.curves["validation_score"], each.metrics["validation_score"]) for each in every]
print(f"{max(filter(None, itertools.chain(*scores))):.1%}")
climbs = {
    arm: [
        curve[-1] - curve[0]
        for answer, curve in zip(runs, curves)
        if answer.study.startswith("norms_mlp/") and answer.study.endswith("/" + arm)
    ]
    for arm in ("none", "layer")
}
apart = [ours - theirs for ours, theirs in zip(climbs["none"], climbs["layer"], strict=True)]
pairs = itertools.combinations_with_replacement(apart, 2)
centre = statistics.median((one + other) / 2 for one, other in pairs)  # Hodges and Lehmann's
print(f"{100 * centre:+.2f}".replace("-", "\N{MINUS SIGN}"))
"""


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A copy that knows which of its files were written since."""
    made = Checkout(tmp_path / "checkout")
    made.run("git", "add", "--all")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    made.run("git", *author, "commit", "--quiet", "--message", "as it is")
    return made


def wrote(checkout: Checkout) -> set[str]:
    """Return the files that are new or changed; those that git ignores are nobody's."""
    listed = checkout.run("git", "status", "--porcelain", "--untracked-files=all")
    return {line[3:] for line in listed.splitlines() if not line[3:].startswith("page/")}


def add(checkout: Checkout, files: dict[str, str]) -> None:
    for name, text in files.items():
        (checkout.root / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout.root / name).write_text(text)


@pytest.mark.slow
def test_a_finding_is_a_folder_and_a_line_in_the_page_s_order(checkout):
    add(checkout, FINDING)
    checkout.edit(
        "pipeline/findings/__init__.py", '    "tuned",\n', '    "tuned",\n    "best_runs",\n'
    )
    best, _ = checkout.run("python", "-c", PAGE).split()
    html = (checkout.root / "page/report.html").read_text()
    assert re.search(f"The best run of all is one of [a-z_]+: {best}.", html)
    order = [html.index(f'id="{name}"') for name in ("tuned", "best-runs", "claims")]
    assert order == sorted(order)
    assert (checkout.root / "page/charts/best-runs.svg").read_text().startswith("<svg")
    assert wrote(checkout) == {*FINDING, "pipeline/findings/__init__.py"}


@pytest.mark.slow
def test_a_kind_of_claim_is_a_module_and_a_claim_its_file(checkout):
    add(checkout, CLAIM)
    _, points = checkout.run("python", "-c", PAGE).split()
    html = (checkout.root / "page/report.html").read_text()
    assert f"climb: {points} points of climb" in html
    assert "beyond +1.00 points of climb" in html
    assert "X1  climb" in (checkout.root / "page/charts/claims.svg").read_text()
    assert wrote(checkout) == set(CLAIM)


@pytest.mark.slow
def test_a_task_is_a_module_and_its_file(checkout, tmp_path):
    add(checkout, DISTANCES)
    table = tmp_path / "line.csv"
    rows = [f"{n % 7},{n % 11},{2 * (n % 7) - n % 11}" for n in range(200)]
    table.write_text("\n".join(("a,b,sum", *rows)))
    chosen = ["dataset=table", f"dataset.source.path={table}", "dataset.source.target=sum"]
    chosen += ["dataset.task=absolute", "dataset.source.task=regression", "dataset.train=120"]
    chosen += ["dataset.validation=40", "dataset.test=40", "epochs=8", "norm=layer"]
    said = checkout.run("python", "-m", "pipeline", "train", *chosen)
    [closeness] = re.findall(r"^validation closeness +(0\.\d+)$", said, re.MULTILINE)
    assert float(closeness) > 0.5
    assert re.search(r"^validation distance +0\.\d+$", said, re.MULTILINE)
    assert wrote(checkout) == set(DISTANCES)
