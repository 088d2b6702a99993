"""Figures -> the pages and their charts, as texts by file name.

The HTML page carries its style and drawings inside, needs no script and no
network, and draws each chart twice, for wide and for narrow windows. Whatever
comes from data or configuration shows as text in both pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.analysis.summary import Summary
from pipeline.report import tables
from pipeline.report.answer import answer, not_tested, setting, title
from pipeline.report.charts import CHARTS
from pipeline.report.descriptions import DESCRIPTIONS
from pipeline.report.panels import NARROW, WIDE
from pipeline.report.svg import draw, on_white

TEMPLATES = Path(__file__).parent / "templates"
SPECIAL = re.compile(r"[\\`*_\[\]|~$#!]")


# By chart: heading, caption, and the stage that its figures come from.
CAPTIONS = {
    "effects": (
        "Winners against {reference}, on test images",
        "Mean difference in test accuracy from {reference}, paired by seed, in points, with "
        "{level} t intervals over seeds. Circles: moving statistics, which a user gets; squares: "
        "statistics recalibrated over training images. An interval that crosses the dashed line "
        "tells no difference. The panels have scales of their own.",
        "confirmed",
    ),
    "gap": (
        "Training against inference",
        "Accuracy of the winners on the same shuffled validation images when batch normalization "
        "uses each batch's own statistics, the moving averages that a user gets, or statistics "
        "recalibrated over training images: means over seeds with {level} t intervals. The panels "
        "have scales of their own.",
        "confirmed",
    ),
    "sweep": (
        "What the sweep saw",
        "Validation accuracy of every trial against its learning rate; other hyperparameters vary "
        "along. Hollow marks are failed trials, rings the winners. The search looks more often "
        "where it found something, so that the marks are no fair sample of the range.",
        "sweep",
    ),
    "curves": (
        "Learning curves of the winners",
        "Accuracy after each epoch on training images (dashed) and on validation images (solid): "
        "mean over the fresh seeds, with a band of one standard deviation.",
        "confirmed",
    ),
}


@dataclass(frozen=True)
class Figure:
    """A chart of the page; the drawings are absent where there is nothing to draw.

    `described` is what a reader who can't see it is told.
    """

    name: str
    heading: str
    caption: str
    described: str
    wide: str | None
    narrow: str | None
    command: str


class Verbatim(str):
    """Text that a Markdown page takes as it is."""

    __slots__ = ()


def pages(summary: Summary) -> dict[str, str]:
    """Return the texts of `report.html`, `report.md` and `charts/*.svg`."""
    figures = {name: _figure(summary, name) for name in CHARTS}
    content: dict[str, Any] = {
        "title": title(summary),
        "answer": answer(summary),
        "setting": setting(summary),
        "is_screening": summary.headline.is_screening,
        "figures": figures,
        "results": tables.results(summary),
        "gaps": tables.gaps(summary),
        "searches": tables.searches(summary),
        "failures": tables.failures(summary),
        "settings": tables.settings(summary),
        "data": tables.data(summary),
        "origins": tables.origins(summary),
        "not_tested": not_tested(summary),
        "commands": summary.commands,
    }
    drawings = {
        f"charts/{name}.svg": on_white(figure.wide)
        for name, figure in figures.items()
        if figure.wide
    }
    return {
        "report.html": _html().get_template("report.html.j2").render(content),
        "report.md": _markdown().get_template("report.md.j2").render(content),
        **drawings,
    }


def shown_as_text(value: object) -> str:
    """Escape what Markdown or HTML would read as more than text; one line."""
    if isinstance(value, Verbatim):
        return str(value)
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = SPECIAL.sub(lambda found: f"\\{found[0]}", text)
    return text.replace("://", "&#58;//").replace("www.", "www&#46;")


def _figure(summary: Summary, name: str) -> Figure:
    heading, caption, stage = (
        text.format(reference=summary.analysis.reference, level=f"{summary.analysis.level:.0%}")
        for text in CAPTIONS[name]
    )
    described = DESCRIPTIONS[name](summary)
    drawings = {}
    for layout in (WIDE, NARROW):
        specification = CHARTS[name](summary, layout)
        if specification is not None:
            drawings[layout.name] = draw(
                specification, name=f"{name}-{layout.name}", description=described
            )
    return Figure(
        name=name,
        heading=heading,
        caption=caption,
        described=described,
        wide=drawings.get("wide"),
        narrow=drawings.get("narrow"),
        command=summary.commands[stage],
    )


def _html() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = (TEMPLATES / "report.css").read_text()
    return environment


def _markdown() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701  `finalize` escapes for Markdown, and HTML with it
        finalize=shown_as_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["verbatim"] = Verbatim
    return environment
