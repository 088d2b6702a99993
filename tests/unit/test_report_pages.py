"""The pages: they say what the figures say, show names as text, and are the same every time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from fake_answers import FakeRuns, fake_runs
from markdown_it import MarkdownIt

from pipeline.analysis.summary import Summary, analyze
from pipeline.report.answer import answer
from pipeline.report.page import pages, shown_as_text
from pipeline.report.palette import COLORS, SHAPES

IMAGE, BOLD = "<img src=x onerror=alert(1)>", "**bold** | [link](http://x) `code`"
HOSTILE = {"batch": IMAGE, "layer": BOLD, "mlp": "_m_ & <b>l</b>p", "none": "plain\n# none"}
CHARTS = ("effects", "gap", "sweep", "curves")


def _summary(runs: FakeRuns) -> Summary:
    return analyze(runs.plan, runs.swept, runs.confirmed, runs.manifests, digests={})


class Elements(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def summary() -> Summary:
    return _summary(fake_runs())


@pytest.fixture(scope="module")
def written(summary: Summary) -> dict[str, str]:
    return pages(summary)


@pytest.fixture(scope="module")
def hostile() -> dict[str, str]:
    return pages(_summary(fake_runs(names=HOSTILE)))


def _rendered(markdown: str) -> Elements:
    return Elements(MarkdownIt("commonmark").enable("table").render(markdown))


def test_the_answer_is_two_to_four_sentences_at_this_scale(summary: Summary) -> None:
    sentences = answer(summary)
    assert 2 <= len(sentences) <= 4
    assert sentences[0].startswith("At this scale, test accuracy against none came out higher for")
    assert "no difference can be told for batch" in sentences[0]
    assert sentences[-1].startswith("This is a screening: with 5 seeds")


def test_a_profile_without_a_comparison_says_so() -> None:
    runs = fake_runs().without("tuned/mnist_5k/mlp/none", "tuned/mnist_5k/cnn/none")
    assert answer(_summary(runs))[0].startswith("At this scale, nothing was compared")


def test_the_pages_come_with_a_file_for_each_chart(written: dict[str, str]) -> None:
    expected = {"report.html", "report.md", *(f"charts/{name}.svg" for name in CHARTS)}
    assert set(written) == expected


def test_both_pages_print_the_figures_of_the_analysis(
    summary: Summary, written: dict[str, str]
) -> None:
    # From the record, by the format's definition: points to two places, a real minus sign.
    found = summary.studies[6].comparison
    assert found is not None
    assert found.moving is not None
    shown = f"{found.moving.points.estimate:+.2f}".replace("-", "\N{MINUS SIGN}")
    assert shown in Elements(written["report.html"]).text
    assert shown in _rendered(written["report.md"]).text


def test_the_web_page_needs_no_script_and_no_network(written: dict[str, str]) -> None:
    page = Elements(written["report.html"])
    loading = {"script", "link", "img", "iframe", "object", "embed"}
    assert loading.isdisjoint(tag for tag, _ in page.tags)
    targets = [value for _, attrs in page.tags for key, value in attrs.items() if key == "href"]
    assert targets
    assert all((target or "").startswith("#") for target in targets)
    assert "@import" not in written["report.html"]
    assert len(written["report.html"].encode()) < 3_000_000


def test_every_drawing_has_a_description_and_ids_of_its_own(written: dict[str, str]) -> None:
    page = Elements(written["report.html"])
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) == 2 * len(CHARTS)
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    used = re.findall(r"url\(#([^)]+)\)", written["report.html"])
    assert set(used) <= set(ids)


def test_table_heads_say_what_they_head(written: dict[str, str]) -> None:
    heads = [attrs for tag, attrs in Elements(written["report.html"]).tags if tag == "th"]
    assert {attrs.get("scope") for attrs in heads} == {"col", "row"}


def test_drawings_follow_the_page_s_ink_and_files_stand_on_white(written: dict[str, str]) -> None:
    assert 'fill="currentColor"' in written["report.html"]
    for name in CHARTS:
        drawing = written[f"charts/{name}.svg"]
        assert "currentColor" not in drawing
        assert '<rect width="100%" height="100%" fill="#ffffff"/>' in drawing
        assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", [IMAGE, "**bold** |", "_m_ & <b>l</b>p", "plain # none"])
def test_hostile_names_show_as_text_in_both_pages(hostile: dict[str, str], name: str) -> None:
    for page in (Elements(hostile["report.html"]), _rendered(hostile["report.md"])):
        assert name in " ".join(page.text.split())  # as a browser collapses spaces


def test_hostile_names_make_no_elements(hostile: dict[str, str]) -> None:
    web, markdown = Elements(hostile["report.html"]), _rendered(hostile["report.md"])
    assert {"img", "b"}.isdisjoint(tag for tag, _ in web.tags)
    assert {"em", "a", "b"}.isdisjoint(tag for tag, _ in markdown.tags)
    images = [attrs["src"] for tag, attrs in markdown.tags if tag == "img"]
    assert images == [f"charts/{name}.svg" for name in CHARTS]
    strong = [tag for tag, _ in markdown.tags if tag == "strong"]
    assert len(strong) == 1  # the page's own word: screening
    for name in CHARTS:
        ElementTree.fromstring(hostile[f"charts/{name}.svg"])  # well-formed: names were escaped


def test_a_bar_in_a_name_adds_no_column(hostile: dict[str, str], written: dict[str, str]) -> None:
    def cells(page: str) -> int:
        return sum(tag in {"td", "th"} for tag, _ in _rendered(page).tags)

    assert cells(hostile["report.md"]) == cells(written["report.md"])


def test_markdown_escapes_leave_plain_words_alone() -> None:
    assert shown_as_text("layer at 0.01, 5 seeds") == "layer at 0.01, 5 seeds"


def test_a_missing_arm_reads_missing_and_is_listed_as_open() -> None:
    written = pages(_summary(fake_runs().without("tuned/mnist_5k/cnn/layer")))
    text = Elements(written["report.html"]).text
    assert "Planned, but no winner was confirmed: tuned/mnist_5k/cnn/layer." in text
    row = next(
        line
        for line in written["report.md"].splitlines()
        if line.startswith("| mnist\\_5k") and "cnn | layer |" in line
    )
    assert row.count("missing") == 5  # accuracy, difference, ratio, failures, winner
    assert "0 of 5" in row
    assert "no comparison" in written["charts/effects.svg"]


def test_an_empty_profile_has_a_page_and_draws_nothing() -> None:
    runs = fake_runs()
    written = pages(_summary(runs.without(*runs.plan.studies)))
    assert {name for name in written if name.startswith("charts/")} <= {"charts/effects.svg"}
    assert "Nothing to draw" in written["report.html"]
    assert "Nothing to draw" in written["report.md"]


def test_the_same_figures_give_the_same_bytes(summary: Summary, written: dict[str, str]) -> None:
    assert pages(summary) == written


def test_forty_two_arms_have_looks_of_their_own() -> None:
    looks = {(COLORS[i % len(COLORS)], SHAPES[i % len(SHAPES)]) for i in range(42)}
    assert len(looks) == 42
