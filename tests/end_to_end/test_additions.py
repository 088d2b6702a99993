"""What is added in one place: a finding with figures and a chart, in its folder and one line.

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
    return Section("best-runs", "Best runs", "The best runs", (said, drawn))
'''
FINDING = {
    "pipeline/findings/best_runs/__init__.py": '"""The best runs."""\n',
    "pipeline/findings/best_runs/figures.py": FIGURES,
    "pipeline/findings/best_runs/chart.py": CHART,
    "pipeline/findings/best_runs/section.py": SECTION,
}
PAGE = """\
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
curves = [answer.result.curves["validation_score"] for answer in fake_profile().swept]
print(f"{max(filter(None, (value for curve in curves for value in curve))):.1%}")
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


def test_a_finding_is_a_folder_and_a_line_in_the_page_s_order(checkout):
    add(checkout, FINDING)
    checkout.edit(
        "pipeline/findings/__init__.py", '    "tuned",\n', '    "tuned",\n    "best_runs",\n'
    )
    best = checkout.run("python", "-c", PAGE).strip()
    html = (checkout.root / "page/report.html").read_text()
    assert re.search(f"The best run of all is one of [a-z_]+: {best}.", html)
    order = [html.index(f'id="{name}"') for name in ("tuned", "best-runs", "claims")]
    assert order == sorted(order)
    assert (checkout.root / "page/charts/best-runs.svg").read_text().startswith("<svg")
    assert wrote(checkout) == {*FINDING, "pipeline/findings/__init__.py"}
