"""The pages: they say what the figures say, show names as text, and are the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from functools import cache
from html.parser import HTMLParser

import pytest
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite.v6.schema import load_schema
from fake_analysis import fake_analysis, with_figures, without_figures
from fake_answers import FakeRuns, fake_runs
from fake_profile import fake_profile
from markdown_it import MarkdownIt

from pipeline.findings import FINDINGS
from pipeline.findings.analyzing import analyze
from pipeline.findings.origins.figures import Figures as Origins
from pipeline.findings.pages import pages
from pipeline.findings.pages import sections as all_sections
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Figure, Section
from pipeline.page.escaping import markdown_text
from pipeline.page.palette import COLORS, SHAPES

IMAGE, BOLD = "<img src=x onerror=alert(1)>", "**bold** | [link](http://x) `code`"
SCRIPT = "</script><script>alert(2)</script>"
STATEMENT = 'A <img src=y onerror="alert(3)"> **claim** | `x` \N{LINE SEPARATOR}${x} {{y}}'
HOSTILE = {
    "batch": IMAGE,
    "layer": BOLD,
    "mlp": "_m_ & <b>l</b>p",
    "none": "plain\n# none",
    "mnist_5k": SCRIPT,
    "higher-learning-rate": STATEMENT,
}
LOST_WINNER = "tuned/mnist_5k/cnn/adam/layer"
LOST = ("rates_mlp/mnist_5k/mlp/adam/batch", "depth_mlp/mnist_5k/mlp_narrow/adam/none")
CHARTS = {
    *("claims", "trajectories", "map", "batch-sizes", "failing", "rates", "times"),
    *(
        "over-epsilon",
        "over-learning-rate",
        "over-batch-size",
        "over-depth",
        "effects",
        "gap",
        "sweep",
        "budget",
        "curves",
    ),
}
TUNED = ("effects", "gap", "sweep", "budget", "curves")


def summary_of(runs: FakeRuns) -> Summary:
    digests = {"studies.jsonl": "5" * 64}
    return analyze(
        runs.plan, runs.swept, runs.confirmed, runs.manifests, costs=runs.costs, digests=digests
    )


class Elements(HTMLParser):
    """Collects the elements and the text of a page, and what its script elements hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._is_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_script = tag == "script"
        if self._is_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def summary() -> Summary:
    return fake_analysis()


@pytest.fixture(scope="module")
def written(summary: Summary) -> dict[str, str]:
    return pages(summary)


@pytest.fixture(scope="module")
def sections(summary: Summary) -> list[Section]:
    return all_sections(summary)


@pytest.fixture(scope="module")
def hostile() -> dict[str, str]:
    return pages(summary_of(fake_profile(names=HOSTILE)))


@cache
def _shown(page: str) -> Elements:
    return Elements(page)


@cache
def _rendered(markdown: str) -> Elements:
    return Elements(MarkdownIt("commonmark").enable("table").render(markdown))


def test_the_pages_come_with_a_file_for_each_chart(written: dict[str, str]) -> None:
    assert set(written) == {"report.html", "report.md", *(f"charts/{name}.svg" for name in CHARTS)}


def test_both_pages_have_every_section(sections: list[Section], written: dict[str, str]) -> None:
    web, markdown = _shown(written["report.html"]), _rendered(written["report.md"])
    places = [attrs["id"] for tag, attrs in web.tags if tag == "section"]
    assert len(places) == len(FINDINGS) == 16
    links = [attrs.get("href") for tag, attrs in web.tags if tag == "a"]
    assert all(f"#{place}" in links for place in places)
    for section in sections:
        assert section.heading in web.text
        assert section.heading in markdown.text


def test_every_claim_is_in_the_table_linked_to_its_details(
    summary: Summary, written: dict[str, str]
) -> None:
    web, markdown = _shown(written["report.html"]), _rendered(written["report.md"])
    ids = [attrs["id"] for tag, attrs in web.tags if tag == "details" and "id" in attrs]
    tested = [
        found.claim.id
        for found in summary.of(Claims).claims
        if found.judgement.verdict.word != "not tested here"
    ]
    assert ids == tested
    assert len(tested) > 10
    for page, place in ((web, "#T3"), (markdown, "#t3")):
        assert place in [attrs.get("href") for tag, attrs in page.tags if tag == "a"]
    assert "### T3\n" in written["report.md"]  # a Git host makes #t3 of it


def test_both_pages_print_the_figures_of_the_analysis(
    summary: Summary, written: dict[str, str]
) -> None:
    # From the record, by the format's definition: points to two places, a real minus sign.
    found = summary.of(Tuned).comparisons[0]
    assert found.points is not None
    shown = f"{found.points.value:+.2f}".replace("-", "\N{MINUS SIGN}")
    assert shown in _shown(written["report.html"]).text
    assert shown in _rendered(written["report.md"]).text


def test_a_command_stands_once_in_each_section_with_a_figure(
    summary: Summary, written: dict[str, str]
) -> None:
    sections = written["report.html"].split("<section")[1:]
    drawn = [text for text in sections if "<figure " in text]
    assert drawn
    for text in drawn:
        said = re.findall(r'<p class="reproduce">Reproduce with <code>([^<]*)</code>', text)
        assert said
        assert len(set(said)) == len(said)
        assert {line.replace("&amp;", "&") for line in said} <= set(summary.commands.values())


def test_the_web_page_asks_nobody_for_anything(written: dict[str, str]) -> None:
    page = _shown(written["report.html"])
    loading = {"link", "img", "iframe", "object", "embed"}
    assert loading.isdisjoint(tag for tag, _ in page.tags)
    assert not [attrs for tag, attrs in page.tags if tag == "script" and "src" in attrs]
    targets = [value for _, attrs in page.tags for key, value in attrs.items() if key == "href"]
    assert targets
    assert all((target or "").startswith("#") for target in targets)
    assert "@import" not in written["report.html"]
    assert len(written["report.html"].encode()) < 3_000_000


def test_the_policy_allows_the_page_s_own_scripts_and_nothing_else(
    written: dict[str, str],
) -> None:
    # The digest of a script element's text, by the Content Security Policy's definition.
    page = _shown(written["report.html"])
    metas = [attrs for tag, attrs in page.tags if tag == "meta"]
    policy = next(a["content"] for a in metas if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    _, *scripts = page.scripts  # the first one holds data
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()) for each in scripts]
    assert rules["script-src"].split() == [f"'sha256-{each.decode()}'" for each in digests]
    assert len(digests) == 2


def test_the_libraries_keep_their_licenses(written: dict[str, str]) -> None:
    libraries = _shown(written["report.html"]).scripts[1]
    for word in ("University of Washington Interactive Data Lab", "Mike Bostock", "ISC license"):
        assert word in libraries


def test_charts_are_data_that_a_script_can_read_back(hostile: dict[str, str]) -> None:
    data = _shown(hostile["report.html"]).scripts[0]
    assert not set("<>&\N{LINE SEPARATOR}") & set(data)
    charts = json.loads(data)["charts"]
    assert set(charts) == CHARTS
    for chart in charts.values():
        assert chart["rows"]
        assert {"wide", "narrow", "rows"} == set(chart)
        assert chart["wide"]["data"] == {"name": "rows"}
    arms = {row.get("arm") for row in charts["rates"]["rows"]}
    assert {IMAGE, BOLD, HOSTILE["none"]} <= arms
    statements = {row["statement"] for row in charts["claims"]["rows"]}
    assert STATEMENT in statements  # as text: a tooltip escapes it


def test_every_chart_is_what_vega_lite_s_schema_allows(sections: list[Section]) -> None:
    found = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
    specifications = [each for figure in found for each in figure.specifications.values()]
    assert len(specifications) == 2 * len(CHARTS)
    schema = load_schema()
    for each in specifications:
        validate_jsonschema(each, schema)


def test_a_chart_with_several_models_or_optimizers_lets_a_reader_choose(
    written: dict[str, str],
) -> None:
    charts = json.loads(_shown(written["report.html"]).scripts[0])["charts"]

    def choices(name: str) -> dict[str, list[str]]:
        params = charts[name]["wide"].get("params", [])
        return {param["name"]: param["bind"]["labels"] for param in params}

    assert choices("failing") == {"chosen_optimizer": ["all", "adam", "sgd"]}
    assert choices("trajectories") == {"chosen_model": ["all", "mlp", "cnn_small"]}
    assert choices("over-depth") == {"chosen_model": ["all", "mlp_narrow", "mlp_residual"]}
    assert choices("over-epsilon") == {}  # of one model and one optimizer


def test_every_drawing_has_a_description_and_ids_of_its_own(written: dict[str, str]) -> None:
    page = _shown(written["report.html"])
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) == 2 * len(CHARTS)
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
    inner = [attrs for tag, attrs in page.tags if tag in {"g", "path"}]
    assert not [attrs for attrs in inner if "role" in attrs or "aria-roledescription" in attrs]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    used = re.findall(r"url\(#([^)]+)\)", written["report.html"].partition("<script")[0])
    assert set(used) <= set(ids)


def test_table_heads_say_what_they_head(written: dict[str, str]) -> None:
    heads = [attrs for tag, attrs in _shown(written["report.html"]).tags if tag == "th"]
    assert {attrs.get("scope") for attrs in heads} == {"col", "row"}


def test_rows_are_as_long_as_their_heads(sections: list[Section]) -> None:
    blocks = [block for section in sections for block in section.blocks]
    inner = [each for block in blocks if block.kind == "claim" for each in block.blocks]
    tables = [block for block in (*blocks, *inner) if block.kind == "table"]
    assert len(tables) > 20
    for table in tables:
        assert {len(row) for row in table.rows} <= {len(table.heads)}, table.caption


def test_drawings_follow_the_page_s_ink_and_files_stand_on_white(written: dict[str, str]) -> None:
    assert 'fill="currentColor"' in written["report.html"]
    for name in CHARTS:
        drawing = written[f"charts/{name}.svg"]
        assert "currentColor" not in drawing
        assert '<rect width="100%" height="100%" fill="#ffffff"/>' in drawing
        assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    "name", [IMAGE, "**bold** |", "_m_ & <b>l</b>p", "plain # none", SCRIPT, 'onerror="alert(3)">']
)
def test_hostile_names_show_as_text_in_both_pages(hostile: dict[str, str], name: str) -> None:
    for page in (_shown(hostile["report.html"]), _rendered(hostile["report.md"])):
        assert name in " ".join(page.text.split())  # as a browser collapses spaces


def test_hostile_names_make_no_elements(hostile: dict[str, str], written: dict[str, str]) -> None:
    web, markdown = _shown(hostile["report.html"]), _rendered(hostile["report.md"])
    assert {"img", "b"}.isdisjoint(tag for tag, _ in web.tags)
    assert len(web.scripts) == 3
    assert {"em", "b", "script"}.isdisjoint(tag for tag, _ in markdown.tags)
    images = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert {f"charts/{name}.svg" for name in CHARTS} == set(images)
    links = [attrs["href"] or "" for tag, attrs in markdown.tags if tag == "a"]
    assert all(link.startswith("#") for link in links)
    for name in CHARTS:
        ElementTree.fromstring(hostile[f"charts/{name}.svg"])  # well-formed: names were escaped


def test_a_bar_in_a_name_adds_no_column(hostile: dict[str, str], written: dict[str, str]) -> None:
    def widths(page: str) -> set[int]:
        """How often each line of a table has a bar that Markdown reads."""
        return {
            len(re.findall(r"(?<!\\)\|", line)) for line in page.splitlines() if line[:1] == "|"
        }

    assert widths(hostile["report.md"]) == widths(written["report.md"])


def test_markdown_escapes_leave_plain_words_alone() -> None:
    assert markdown_text("layer at 0.01, 5 seeds") == "layer at 0.01, 5 seeds"


@pytest.fixture(scope="module")
def with_holes() -> dict[str, str]:
    return pages(summary_of(fake_profile().without(LOST_WINNER, *LOST)))


def test_a_missing_arm_reads_missing_and_is_listed_as_open(with_holes: dict[str, str]) -> None:
    text = _shown(with_holes["report.html"]).text
    assert f"Planned, but no winner was confirmed: {LOST_WINNER}." in text
    row = next(
        line
        for line in with_holes["report.md"].splitlines()
        if line.startswith("| mnist\\_5k") and "cnn | layer |" in line
    )
    assert row.count("missing") == 1  # its score: what compares it has a table of its own
    assert "0 of 20" in row
    assert "no comparison" in with_holes["charts/effects.svg"]


def test_missing_cells_of_fixed_settings_read_missing_and_are_drawn_as_such(
    with_holes: dict[str, str],
) -> None:
    text = _shown(with_holes["report.html"]).text
    assert f"Planned, but nothing came back: {LOST_WINNER}, {LOST[0]} and {LOST[1]}." in text
    assert ">missing<" in with_holes["charts/failing.svg"]
    assert ">none missing<" in with_holes["charts/over-depth.svg"]
    tables = with_holes["report.md"]
    for rate, planned in (("0.001", 11), ("0.003", 3), ("0.01", 3)):  # 3 seeds choose
        start = f"| none | depth 2, learning\\_rate {rate} | 0 of {planned} |"
        assert f"{start}{' missing |' * 6}" in tables
    row = next(line for line in tables.splitlines() if "| rates\\_mlp | batch |" in line)
    assert "| 0 of 48 | missing | missing |" in row  # never zero failures


def test_an_empty_profile_has_a_page_and_draws_nothing() -> None:
    runs = fake_profile()
    written = pages(summary_of(runs.without(*runs.plan.studies)))
    drawn = {name.removeprefix("charts/") for name in written if name.startswith("charts/")}
    # What was planned and can be named: each of these says that it is missing.
    assert all(name.startswith(("effects", "times", "over-", "map")) for name in drawn)
    assert "no points" in written["charts/map.svg"]
    assert all("missing" in written[f"charts/{name}"] for name in drawn if "over" in name)
    for page in ("report.html", "report.md"):
        assert "Nothing to draw" in written[page]
        assert "Nothing to show" not in written[page]  # such sections are left out


def test_every_part_of_an_analysis_may_be_empty(summary: Summary) -> None:
    written = pages(without_figures(summary))
    assert "Nothing to show" not in _shown(written["report.html"]).text
    drawn = {name for name in written if name.startswith("charts/")}
    assert drawn == {f"charts/{name}.svg" for name in TUNED}


def test_a_profile_without_claims_or_fixed_settings_has_every_section() -> None:
    found = summary_of(fake_runs())
    assert all(section.blocks for section in all_sections(found))


def test_the_same_figures_give_the_same_bytes(summary: Summary, written: dict[str, str]) -> None:
    again = Summary.model_validate_json(summary.text())
    assert pages(again) == written


def test_only_the_sections_about_time_depend_on_clocks(
    summary: Summary, written: dict[str, str]
) -> None:
    without = pages(with_figures(summary, Origins, clock=None))
    changed = [name for name in written if without[name] != written[name]]
    assert changed == ["report.html", "report.md"]
    before, after = (page["report.md"].split("\n## ") for page in (written, without))
    headings = [
        one.splitlines()[0] for one, other in zip(before, after, strict=True) if one != other
    ]
    assert headings == ["How it was run"]


def test_forty_two_arms_have_looks_of_their_own() -> None:
    looks = {(COLORS[i % len(COLORS)], SHAPES[i % len(SHAPES)]) for i in range(42)}
    assert len(looks) == 42
