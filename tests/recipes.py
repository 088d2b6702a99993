"""The code blocks of README and of the documentation, as they are copied from their page."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGES = (Path("README.md"), *sorted(Path("docs").glob("*.md")))
OWN = "docs/own.md"
RUNS = {"Your data": 2, "Your model": 1, "Your arm": 3, "Your claim": 0, "Your task": 1}
FENCE = re.compile(r"^```(\S+) *([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^| )#.*")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the heading above it; of a directive with its argument."""

    page: str
    section: str
    language: str
    argument: str
    text: str

    @property
    def writes(self) -> bool:
        """Whether it writes files, as recipes do."""
        return "<<'END'" in self.text


def blocks(page: str | Path) -> list[Block]:
    """Return a page's blocks in order."""
    text = Path(page).read_text()
    found = []
    for match in FENCE.finditer(text):
        before = FENCE.sub("", text[: match.start()])  # a shell's comments look like headings
        headings = re.findall(r"^#+ (.+)$", before, re.MULTILINE)
        section = headings[-1] if headings else ""
        found.append(Block(str(page), section, *match.groups()))
    return found


def pasted(page: str, section: str) -> str:
    """Return a section's shell blocks, one after the other."""
    found = [b.text for b in blocks(page) if b.section == section and b.language == "sh"]
    assert found, f"{page} has no shell block below {section}"
    return "\n".join(found)


def commands(text: str) -> list[str]:
    """Return a shell block's lines as they are given: without comments and files' contents."""
    without = re.sub(r"<<'END'\n.*?^END$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for each in without.splitlines() if (line := COMMENT.sub("", each).strip())]
