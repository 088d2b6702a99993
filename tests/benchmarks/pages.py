"""Pages of benchmarks: each section is measured alone, a page holds the newest of each."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from pipeline.execution.environment import processor

SECTIONS = Path("build/benchmarks")
INTRODUCTION = (
    "{processor}, {cores} cores, Python {python}, TensorFlow {tensorflow}, Keras {keras}. "
    "`make bench` writes this page; what is compared was measured in turn in one run. "
    "Machines are noisy: trust ratios.\n"
)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return rows as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def publish(page: Path, title: str, place: int, heading: str, text: str) -> None:
    """Write one section, and the page anew from all its sections.

    Args:
        page: The page.
        title: Of the page.
        place: Of the section on the page.
        heading: Of the section.
        text: What follows, in Markdown.
    """
    folder = SECTIONS / page.stem
    folder.mkdir(parents=True, exist_ok=True)
    dated = f"\n## {heading}\n\n{text}\nMeasured on {datetime.now(UTC):%Y-%m-%d}.\n"
    (folder / f"{place:02}.md").write_text(dated)
    from importlib import metadata

    introduction = INTRODUCTION.format(
        processor=processor().split(" avx")[0],
        cores=os.cpu_count(),
        python=platform.python_version(),
        tensorflow=metadata.version("tensorflow"),
        keras=metadata.version("keras"),
    )
    sections = [file.read_text() for file in sorted(folder.glob("*.md"))]
    page.write_text("".join([f"# {title}\n\n{introduction}", *sections]))
