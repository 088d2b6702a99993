"""Figures -> the page: each finding's section, in their order."""

from __future__ import annotations

from importlib import import_module

from pipeline.findings import FINDINGS
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Nothing, Section
from pipeline.page.rendering import rendered


def pages(summary: Summary) -> dict[str, str]:
    """Return the texts of `report.html`, `report.md` and `charts/*.svg`."""
    is_screening = summary.analysis.minimum is not None
    return rendered(title(summary), sections(summary), is_screening=is_screening)


def sections(summary: Summary) -> list[Section]:
    """Return what every finding says that has something to say."""
    modules = (import_module(f"{__package__}.{name}.section") for name in FINDINGS)
    found = (module.section(summary) for module in modules)
    return [each for each in found if not all(isinstance(b, Nothing) for b in each.blocks)]


def title(summary: Summary) -> str:
    """Return the page's title."""
    return f"Where normalization helps and where it hurts: profile {summary.profile}"
