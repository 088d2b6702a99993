"""Sections -> the pages and their charts, as texts by file name.

The HTML page is one file that needs no network: style, drawings, scripts and data lie inside.
Without scripts, and on paper, it shows the same drawings as they stand in the files of
`report.md`. Whatever comes from data or configuration shows as text in both pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.page import interactive
from pipeline.page.blocks import Block, Figure, Section
from pipeline.page.escaping import Verbatim, markdown_text
from pipeline.page.interactive import TEMPLATES
from pipeline.page.svg import on_white


def rendered(title: str, sections: Sequence[Section], *, is_screening: bool) -> dict[str, str]:
    """Return the texts of `report.html`, `report.md` and `charts/*.svg`."""
    figures = [
        block for section in sections for block in section.blocks if isinstance(block, Figure)
    ]
    content: dict[str, Any] = {"title": title, "is_screening": is_screening, "sections": sections}
    scripts = {
        "policy": interactive.policy(),
        "libraries": interactive.libraries(),
        "behaviour": interactive.behaviour(),
        "charts": interactive.chart_data(figures),
    }
    return {
        "report.html": _html().get_template("report.html.j2").render(content | scripts),
        "report.md": _markdown().get_template("report.md.j2").render(content),
        **{f"charts/{each.name}.svg": on_white(each.wide) for each in figures if each.wide},
    }


def markdown(block: Block) -> str:
    """Return one block as `report.md` has it."""
    return _markdown().get_template(f"markdown/{block.kind}.j2").render(block=block)


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
        finalize=markdown_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["verbatim"] = Verbatim
    return environment
