"""The documentation: its blocks work, its links lead somewhere, and the site is made of itself."""

import html
import importlib.util
import re
import shlex
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from checkout import Checkout
from fake_analysis import fake_analysis
from recipes import FENCE, OWN, PAGES, RUNS, blocks, commands

from pipeline.__main__ import main, parser
from pipeline.findings.decisions.figures import Figures as Decisions
from pipeline.findings.verdicts.figures import Figures as Claims

BLOCKS = [block for page in PAGES for block in blocks(page)]
SHELL = [block for block in BLOCKS if block.language == "sh"]
LANGUAGES = {"sh", "python", "text", "{toctree}", "{include}", "{eval-rst}", "{measured}"} | {
    *("{claim}", "{commands}")
}
PASTED = {  # by tests/end_to_end/test_readme.py and tests/diagnosis/test_finished_model.py
    *((OWN, section) for section in RUNS),
    ("README.md", "Your model, your data: one answer"),
    ("docs/diagnose.md", "While it trains"),
    ("docs/diagnose.md", "A trained model elsewhere"),
    ("docs/sweeps.md", "On a cluster"),  # here: it composes
}
PROGRAMS = {"normbench", "make", "dvc", "dask", "source", "mkdir", "cat", "python", "export", "for"}
ADDED = (
    "pictures",
    "houses",
    "shallow",
    "rms",
    "centered",
    "robust",
    "KEY",
)  # by recipes, or yours
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def given(program: str) -> list[str]:
    """Return what all shell blocks give to a program, line by line."""
    lines = [line for block in SHELL for line in commands(block.text)]
    return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == program]


def test_every_block_is_of_a_kind_that_is_checked():
    counts = Counter(block.language for block in BLOCKS)
    assert set(counts) == LANGUAGES
    assert counts["sh"] >= 35
    assert counts["{claim}"] >= 20
    outside = {page: FENCE.sub("", page.read_text()) for page in PAGES}
    indented = [page for page, text in outside.items() if re.search(r"\n\n    \S", text)]
    assert indented == [], "a fence says what a block is"


def test_every_block_that_writes_files_is_pasted_by_a_test():
    assert {(block.page, block.section) for block in SHELL if block.writes} == PASTED


def test_every_line_calls_a_program_that_is_known():
    lines = [line for block in SHELL for line in commands(block.text)]
    assert len(lines) > 60
    assert {line.split()[0] for line in lines} <= PROGRAMS


def test_every_command_of_ours_is_one():
    lines = given("normbench")
    assert len(lines) > 35
    for line in lines:
        assert parser().parse_args(shlex.split(line)).command, line


def test_every_single_run_composes(capsys):
    lines = [line for line in given("normbench") if line.startswith("train ")]
    runs = [line for line in lines if not any(name in line for name in ADDED)]
    assert len(runs) > 12
    for line in runs:
        asked = parser().parse_args(shlex.split(line))
        overrides = [each.split(",")[0] for each in asked.overrides]  # the first value of a list
        assert main(["train", *overrides, "--cfg", "job"]) == 0, line
    assert "learning_rate" in capsys.readouterr().out


def test_every_target_and_stage_that_is_named_exists():
    targets = re.findall(r"^([a-z-]+):.*## ", Path("Makefile").read_text(), re.MULTILINE)
    named = [line.split()[0] for line in given("make")]
    assert len(named) >= 4
    assert set(named) <= set(targets)
    profiles = yaml.safe_load(Path("reports/dvc.yaml").read_text())["stages"]["profile"]["foreach"]
    stages = re.findall(r"profile@(\w+)", "\n".join(given("dvc")))
    assert len(stages) >= 2
    assert set(stages) <= set(profiles)


def test_a_cluster_of_one_s_own_is_a_file_that_parses():
    [block] = [each for each in SHELL if each.page == "docs/sweeps.md" and each.writes]
    text = block.text.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    ours, slurm = yaml.safe_load(text), yaml.safe_load(Path("conf/cluster/slurm.yaml").read_text())
    assert ours.pop("defaults") == ["slurm", "_self_"]
    assert set(ours) <= set(slurm)


def test_python_compiles():
    found = [block for block in BLOCKS if block.language == "python"]
    assert found
    for block in found:
        compile(block.text, block.page, "exec")


def test_every_claim_has_its_place_in_the_tutorial():
    shown = [block for block in BLOCKS if block.page == "docs/tutorial.md"]
    assert "controls" in [block.argument for block in shown if block.language == "{measured}"]
    placed = [block.argument for block in shown if block.language == "{claim}"]
    files = [yaml.safe_load(file.read_text()) for file in Path("conf/claim").glob("*.yaml")]
    assert len(files) >= 25
    assert sorted(placed) == sorted(each["id"] for each in files if not each.get("control"))
    anchors = re.findall(r"^\((\w+)\)=$", Path("docs/tutorial.md").read_text(), re.MULTILINE)
    assert sorted(anchors) == sorted(each["id"].lower() for each in files)


def test_links_lead_somewhere():
    links = [(page, target) for page in PAGES for target in LINK.findall(page.read_text())]
    assert len(links) > 40
    for page, target in links:
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page.resolve()
        assert file.is_file(), f"{page}: {target}"
        assert not anchor or anchor in anchors_of(file), f"{page}: {target}"


def anchors_of(page: Path) -> set[str]:
    """Return what headings of a page are called in links, with those of the pages it includes."""
    text = page.read_text()
    for name in re.findall(r"^```\{include\} (\S+)$", text, re.MULTILINE):
        text += (page.parent / name).read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.skipif(not importlib.util.find_spec("sphinx"), reason="sphinx is not installed")
def test_the_site_says_what_an_analysis_says_without_a_warning_or_a_network(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    summary = fake_analysis()
    reference = checkout.root / "reports/reference/analysis.json"
    reference.parent.mkdir(exist_ok=True)
    reference.write_text(summary.text())
    options = ("--fail-on-warning", "--keep-going", "--quiet", "-d", "build/doctrees")
    checkout.run(sys.executable, "-m", "sphinx", *options, "docs", "build/docs")
    site = checkout.root / "build/docs"
    pages = {page.stem: page.read_text() for page in site.glob("*.html")}
    assert set(pages) >= {page.stem for page in PAGES if page.parent.name == "docs"}

    tutorial = pages["tutorial"]
    assert tutorial.count("What we found.") >= 20
    claims = [each for each in summary.of(Claims).claims if each.claim.control is None]
    assert len({found.judgement.verdict.word for found in claims}) >= 3
    for found in claims:
        assert found.claim.statement in html.unescape(tutorial)
        word = found.judgement.verdict.word
        place = tutorial.partition(f'id="{found.claim.id.lower()}"')[2].partition("What runs it")[0]
        told = "Not tested in the profile" if word == "not tested here" else f"<strong>{word}<"
        assert told in place, found.claim.id
    decide = pages["decide"]
    assert "reports/reference/analysis.json" in decide
    assert decide.count("<svg") >= 4
    for found in summary.of(Decisions).decided:
        assert found.question in decide

    loaded = r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?:https?:)?//[^>]*>"""
    assert not [name for name, text in pages.items() if re.search(loaded, text)]
    styles = "".join(each.read_text() for each in site.rglob("*.css"))
    assert not re.search(r"""(?:url\(|@import )["']?(?:https?:)?//""", styles)
    for name in ("NormWatch", "recalibrate", "Scoring", "Proposer", "Source"):
        assert name in pages["api"]
    assert (site / "searchindex.js").stat().st_size > 10_000
