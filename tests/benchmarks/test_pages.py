"""A page keeps what other processors measured."""

import pages
import pytest
from pages import parse, publish, table

from pipeline.errors import Refusal

FIRST, SECOND = "x86_64 Somebody 1 2, 2 cores", "arm64 Another 3, 8 cores"


@pytest.fixture
def page(tmp_path):
    return tmp_path / "page.md"


@pytest.fixture
def on(monkeypatch):
    return lambda name: monkeypatch.setattr(pages, "this_processor", lambda: name)


def test_a_part_replaces_its_own_processors_and_no_other(page, on):
    on(FIRST)
    publish(page, "Speed", 2, "Steps", table(["ms"], [["1.00"]]), about="On one thread.")
    on(SECOND)
    publish(page, "Speed", 2, "Steps", table(["ms"], [["2.00"]]), about="On one thread.")
    publish(page, "Speed", 2, "Steps", table(["ms"], [["3.00"]]), about="On a single thread.")
    [section] = parse(page.read_text()).values()
    assert (section.heading, section.about) == ("Steps", "On a single thread.")
    assert "| 1.00 |" in section.parts[FIRST]
    assert "| 3.00 |" in section.parts[SECOND]
    assert "2.00" not in page.read_text()


def test_a_processor_is_named_by_its_family_not_by_its_instructions(monkeypatch):
    monkeypatch.setattr(pages, "processor", lambda: "x86_64 Somebody 6 167 amx_bf16 avx2 fma")
    monkeypatch.setattr(pages.os, "cpu_count", lambda: 2)
    assert pages.this_processor() == "x86_64 Somebody 6 167, 2 cores"


def test_sections_stand_in_the_order_of_their_numbers(page, on):
    on(FIRST)
    for place in (10, 2, 1):
        publish(page, "Speed", place, f"Section {place}", "Nothing.")
    assert list(parse(page.read_text())) == [1, 2, 10]


def test_a_section_without_a_number_is_refused_not_lost(page, on):
    on(FIRST)
    page.write_text("# Speed\n\n## Steps\n\nFast.\n")
    with pytest.raises(Refusal, match="'## Steps' of a page of benchmarks has no number"):
        publish(page, "Speed", 1, "Steps", "Nothing.")
    assert "Fast." in page.read_text()


def test_a_part_says_when_and_with_what_it_was_measured(page, on):
    on(FIRST)
    publish(page, "Speed", 1, "Steps", "Nothing.", peers="PyTorch 9.9")
    told = parse(page.read_text())[1].parts[FIRST].splitlines()[-1]
    assert told.startswith("Measured on 20")
    assert "TensorFlow 2." in told
    assert told.endswith("PyTorch 9.9.")


def test_a_page_that_is_read_and_written_again_is_the_same(page, on):
    for name in (FIRST, SECOND):
        on(name)
        publish(page, "Speed", 1, "Steps", table(["ms"], [["1.00"]]), about="About.")
        publish(page, "Speed", 2, "Sweeps", "MLP:\n\n" + table(["s"], [["1"]]))
    text = page.read_text()
    assert pages.render("Speed", parse(text)) == text
