"""Pages of benchmarks: a section for each thing measured, and in it a part for each processor.

A page is its own memory: what is measured replaces this processor's part of its section and
leaves everything else as it stands.
"""

import os
import platform
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from pipeline.errors import Refusal
from pipeline.execution.environment import FLAGS, processor

INTRODUCTION = (
    "`make bench` writes this page: of each section the part that belongs to the processor it "
    "runs on. What is compared was measured in turn in one run. Machines are noisy: trust ratios, "
    "and those within one part.\n"
)
SECTION = re.compile(r"^## (\d+)\. (.+)$", re.MULTILINE)
UNNUMBERED = re.compile(r"^## (?!\d+\. ).*$", re.MULTILINE)
PART = re.compile(r"^### (.+)$", re.MULTILINE)


@dataclass
class Section:
    """What is measured, in words, and what was found: by processor, in Markdown."""

    heading: str
    about: str
    parts: dict[str, str] = field(default_factory=dict)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return rows as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def publish(
    page: Path,
    title: str,
    place: int,
    heading: str,
    found: str,
    *,
    about: str = "",
    peers: str = "",
) -> None:
    """Write this processor's part of one section; the others stay.

    Args:
        page: The page.
        title: Of the page.
        place: Of the section on the page; the section's number.
        heading: Of the section; what differs between runs is no part of it.
        found: What was measured here, in Markdown.
        about: What holds on any processor.
        peers: Names and versions of what else was measured.
    """
    sections = parse(page.read_text()) if page.exists() else {}
    before = sections[place].parts if place in sections else {}
    dated = f"Measured on {datetime.now(UTC):%Y-%m-%d} with {versions(peers)}."
    here = {this_processor(): f"{found.strip()}\n\n{dated}"}
    sections[place] = Section(heading, about.strip(), before | here)
    page.write_text(render(title, sections))


def parse(text: str) -> dict[int, Section]:
    """Return a page's sections by their numbers.

    Raises:
        Refusal: A section has none, and would be lost.
    """
    if unnumbered := UNNUMBERED.search(text):
        raise Refusal(
            f"{unnumbered[0]!r} of a page of benchmarks has no number, such as '## 1. ...'"
        )
    _, *pieces = SECTION.split(text)
    sections = {}
    for number, heading, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        about, *parts = PART.split(body)
        names, founds = parts[::2], (found.strip() for found in parts[1::2])
        sections[int(number)] = Section(
            heading, about.strip(), dict(zip(names, founds, strict=True))
        )
    return sections


def render(title: str, sections: dict[int, Section]) -> str:
    """Return a page: sections by their numbers, parts by the processors' names."""
    pieces = [f"# {title}", INTRODUCTION.strip()]
    for place, section in sorted(sections.items()):
        pieces += [f"## {place}. {section.heading}", section.about]
        for name, found in sorted(section.parts.items()):
            pieces += [f"### {name}", found]
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def this_processor() -> str:
    """Return what a part is called: architecture, family and number of cores."""
    family = [word for word in processor().split() if not word.startswith(FLAGS)]
    return f"{' '.join(family)}, {os.cpu_count()} cores"


def versions(peers: str = "") -> str:
    """Return names and versions of what was measured."""
    ours = [f"{name} {metadata.version(name.lower())}" for name in ("TensorFlow", "Keras")]
    return ", ".join([f"Python {platform.python_version()}", *ours, *filter(None, [peers])])
