"""A chart as a block of the page: drawn for wide and narrow windows, ready to be drawn again."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.findings.summary import Summary
from pipeline.page.blocks import Figure
from pipeline.page.panels import LAYOUTS, Chart, Layout
from pipeline.page.svg import draw

Build = Callable[[Summary, Layout], Chart | None]


def figure(
    summary: Summary, name: str, build: Build, *, caption: str, described: str, stage: str
) -> Figure:
    """Draw a chart in every layout.

    Args:
        summary: The figures.
        name: Of its file, and the prefix of its ids.
        build: Makes the chart for a layout.
        caption: Stands below it.
        described: What it shows, for readers who can't see it.
        stage: Which of the summary's commands reproduces it.
    """
    drawings: dict[str, str] = {}
    charts: dict[str, Chart] = {}
    for layout in LAYOUTS:
        if (chart := build(summary, layout)) is not None:
            charts[layout.name] = chart
            drawings[layout.name] = draw(
                chart.whole, name=f"{name}-{layout.name}", description=described
            )
    return Figure(
        name=name,
        caption=caption,
        described=described,
        wide=drawings.get("wide"),
        narrow=drawings.get("narrow"),
        specifications={layout: chart.specification for layout, chart in charts.items()},
        rows=charts["wide"].rows if charts else [],
        command=summary.commands[stage],
    )
