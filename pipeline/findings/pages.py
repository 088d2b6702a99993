"""Figures -> the pages and their charts, as texts by file name.

The HTML page is one file that needs no network: style, drawings, scripts and data lie inside.
Without scripts, and on paper, it shows the same drawings as they stand in the files of
`report.md`. Whatever comes from data or configuration shows as text in both pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.findings.answer import section as answer
from pipeline.findings.controls import section as controls
from pipeline.findings.details import section as claims
from pipeline.findings.failures import section as failures
from pipeline.findings.gap import section as gap
from pipeline.findings.independence import section as independence
from pipeline.findings.map import section as where
from pipeline.findings.momentum import section as momentum
from pipeline.findings.open_questions import section as open_questions
from pipeline.findings.origins import section as origins
from pipeline.findings.settings import section as settings
from pipeline.findings.stability import section as stability
from pipeline.findings.summary import Summary
from pipeline.findings.time_to_target import section as times
from pipeline.findings.tuned import section as tuned
from pipeline.findings.verdicts import section as verdicts
from pipeline.page import interactive
from pipeline.page.blocks import Figure, Section
from pipeline.page.escaping import Verbatim, markdown_text
from pipeline.page.interactive import TEMPLATES
from pipeline.page.svg import on_white

SECTIONS: tuple[Callable[[Summary], Section], ...] = (
    answer.section,
    verdicts.section,
    gap.section,
    where.section,
    stability.section,
    times.section,
    momentum.section,
    independence.section,
    settings.section,
    tuned.section,
    claims.section,
    controls.section,
    failures.section,
    open_questions.section,
    origins.section,
)


def pages(summary: Summary) -> dict[str, str]:
    """Return the texts of `report.html`, `report.md` and `charts/*.svg`."""
    sections = [section(summary) for section in SECTIONS]
    figures = [
        block for section in sections for block in section.blocks if isinstance(block, Figure)
    ]
    content: dict[str, Any] = {
        "title": title(summary),
        "is_screening": summary.analysis.minimum is not None,
        "sections": sections,
    }
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


def title(summary: Summary) -> str:
    """Return the page's title."""
    return f"Where normalization helps and where it hurts: profile {summary.profile}"


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
