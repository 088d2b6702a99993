"""The page in a real browser: nothing to complain about, and everything answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import WINDOWS, Page, browser, complaints
from fake_profile import fake_profile

from pipeline.findings.analyzing import analyze
from pipeline.findings.pages import pages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

IMAGE = "<img src=x onerror=alert(1)>"
HOSTILE = {
    "batch": IMAGE,
    "layer": "**bold** | [link](http://x) `code`",
    "mnist_5k": "</script><script>alert(2)</script>",
    "higher-learning-rate": '<img src=y onerror="alert(3)"> \N{LINE SEPARATOR}${x} {{y}}',
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, names in (("usual", None), ("hostile", HOSTILE)):
        runs = fake_profile(names=names)
        summary = analyze(
            runs.plan, runs.swept, runs.confirmed, runs.manifests, costs=runs.costs, digests={}
        )
        found[name] = tmp_path_factory.mktemp(name) / "report.html"
        found[name].write_text(pages(summary)["report.html"])
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as running:
        yield running.page()


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
@pytest.mark.parametrize("name", ["usual", "hostile"])
def test_nothing_is_wrong_in_any_window(
    files: dict[str, Path], page: Page, name: str, width: int, scheme: str
) -> None:
    assert complaints(files[name], page, width=width, scheme=scheme) == []


def test_a_link_to_a_claim_opens_it(files: dict[str, Path], page: Page) -> None:
    page.open(files["usual"], width=1280, scheme="light", anchor="#T3")
    assert page.value("document.getElementById('T3').open")
    assert not page.value("document.getElementById('T4').open")


def _near(page: Page, chart: str) -> str:
    """Bring a chart into view, wait until it answers, and return its selector."""
    figure = f"figure[data-chart={chart}]"
    page.value(f"""(async () => {{
      const figure = document.querySelector("{figure}");
      figure.scrollIntoView();
      while (!figure.classList.contains("is-live")) await new Promise(done => setTimeout(done, 20));
    }})()""")
    return figure


def test_a_choice_leaves_the_panels_that_were_chosen(files: dict[str, Path], page: Page) -> None:
    page.open(files["usual"], width=1280, scheme="light")
    figure = _near(page, "failing")
    titles = f"""[...document.querySelectorAll("{figure} .live svg text")]
      .map(each => each.textContent).filter(each => each.includes("mnist_5k"))"""
    assert len(page.value(titles)) == 2
    page.value(f"""(async () => {{
      const select = document.querySelector("{figure} select");
      select.selectedIndex = 2;
      select.dispatchEvent(new Event("input", {{ bubbles: true }}));
      select.dispatchEvent(new Event("change", {{ bubbles: true }}));
      await new Promise(done => setTimeout(done, 500));
    }})()""")
    (title,) = page.value(titles)
    assert title.endswith("sgd")


def test_a_tooltip_shows_a_hostile_name_as_text(files: dict[str, Path], page: Page) -> None:
    page.open(files["hostile"], width=1280, scheme="dark")
    figure = _near(page, "rates")
    spots = page.value(f"""[...document.querySelectorAll("{figure} .live .mark-symbol path")]
      .map(each => each.getBoundingClientRect())
      .map(each => [each.x + each.width / 2, each.y + each.height / 2])""")
    told: list[Any] = []
    for x, y in spots:
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        told.append(page.value("document.getElementById('vg-tooltip-element')?.innerText ?? ''"))
    assert any(IMAGE in each for each in told)
    assert page.value("document.querySelectorAll('#vg-tooltip-element img').length") == 0
    assert page.complaints == []


def _shown(page: Page) -> dict[str, str]:
    return {
        name: page.value(f"getComputedStyle(document.querySelector('figure .{name}')).display")
        for name in ("live", "wide", "narrow")
    }


def test_paper_gets_the_still_drawings(files: dict[str, Path], page: Page) -> None:
    page.open(files["usual"], width=390, scheme="dark")
    _near(page, "claims")
    assert _shown(page) == {"live": "flex", "wide": "none", "narrow": "none"}
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert _shown(page) == {"live": "none", "wide": "block", "narrow": "none"}


def test_without_scripts_the_still_drawings_stay(files: dict[str, Path]) -> None:
    with browser() as running:
        page = running.page()
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        for width, shown in ((1280, "wide"), (390, "narrow")):
            page.open(files["usual"], width=width, scheme="light")
            displays = _shown(page)
            assert displays.pop(shown) == "block"
            assert set(displays.values()) == {"none"}
