"""What a page is made of: sections of blocks, each shown by a template of its `kind`.

`templates/html/KIND.j2` and `templates/markdown/KIND.j2` draw one block. Every string
in a block is plain text; the templates escape it. A drawing alone is markup, and Vega
has escaped the texts in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Nothing(Text):
    """Why a section has nothing to show; a page leaves out a section that has this alone."""


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Listing:
    """Short sentences, one below the other."""

    kind: ClassVar[str] = "listing"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """The line that reproduces what stands above it."""

    kind: ClassVar[str] = "command"
    line: str


@dataclass(frozen=True)
class Table:
    """A caption, column heads, and rows whose first `labels` cells name the row.

    A `folded` table is opened by its caption on a screen; it has the figures behind a
    drawing, or more of them than a reader wants at first sight. Rows of sentences are
    `cards` on a narrow screen.
    """

    kind: ClassVar[str] = "table"
    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int
    folded: bool = False
    cards: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing; `wide` and `narrow` are absent where there is nothing to draw.

    `described` is what a reader who can't see it is told. `specifications` draw the
    same again, by layout, from `rows`, where scripts run.
    """

    kind: ClassVar[str] = "figure"
    name: str
    caption: str
    described: str
    wide: str | None
    narrow: str | None
    specifications: dict[str, Any]
    rows: list[dict[str, Any]]
    command: str


@dataclass(frozen=True)
class Mark:
    """A verdict's word, with the sign and the style that go along with it."""

    word: str
    sign: str
    style: str


@dataclass(frozen=True)
class Finding:
    """One line of the answer: a verdict, its claim, and the effect that tells most."""

    mark: Mark
    claim: str
    statement: str
    effect: str


@dataclass(frozen=True)
class Lead:
    """The answer: sentences, and the findings below them."""

    kind: ClassVar[str] = "lead"
    sentences: tuple[str, ...]
    findings: tuple[Finding, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class EffectLine:
    """What one part of a claim came to; its own verdict where the claim has several parts."""

    mark: Mark | None
    text: str


@dataclass(frozen=True)
class Link:
    """Text that leads to a place on the page."""

    text: str
    anchor: str


@dataclass(frozen=True)
class DecisionRow:
    """One situation: what to do, how far it goes, and what it rests on.

    `none` is against `none_name`, most often no norm, `other` against the norm of `other_name`,
    which is empty where nobody asks for one. `beside` is told and decides nothing.
    """

    question: str
    settings: str
    mark: Mark
    advice: tuple[str, ...]
    none: tuple[EffectLine, ...]
    none_name: str
    other: tuple[EffectLine, ...]
    other_name: str
    evidence: tuple[Link, ...]
    beside: tuple[Link, ...]


@dataclass(frozen=True)
class Decisions:
    """The table of decisions."""

    kind: ClassVar[str] = "decisions"
    caption: str
    rows: tuple[DecisionRow, ...]

    @property
    def has_other(self) -> bool:
        """Whether any row compares with another norm."""
        return any(row.other_name for row in self.rows)

    @property
    def none_name(self) -> str:
        """What most rows compare with first."""
        return Counter(row.none_name for row in self.rows).most_common(1)[0][0]

    @property
    def other_name(self) -> str:
        """The other norm, where all rows that name one name the same."""
        named = {row.other_name for row in self.rows} - {""}
        return named.pop() if len(named) == 1 else "another norm"


@dataclass(frozen=True)
class VerdictRow:
    """One claim in the table of verdicts; `effects` has a line for each part."""

    claim: str
    statement: str
    settings: str
    mark: Mark
    reason: str
    effects: tuple[EffectLine, ...]
    clusters: str
    robustness: str
    expected: str
    came: str


@dataclass(frozen=True)
class Verdicts:
    """The table of verdicts."""

    kind: ClassVar[str] = "verdicts"
    caption: str
    rows: tuple[VerdictRow, ...]


@dataclass(frozen=True)
class ClaimDetails:
    """All about one claim, opened by its number: blocks of their own."""

    kind: ClassVar[str] = "claim"
    claim: str
    statement: str
    mark: Mark
    blocks: tuple[Text | Listing | Table | Command, ...]


Block = (
    Text | Heading | Listing | Command | Table | Figure | Lead | Decisions | Verdicts | ClaimDetails
)


@dataclass(frozen=True)
class Section:
    """A heading with its blocks; `name` is its place in the page."""

    name: str
    heading: str
    blocks: tuple[Block, ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        """The lines that reproduce its figures, each once, but for those that a block says."""
        said = {block.line for block in self.blocks if isinstance(block, Command)}
        drawn = [block.command for block in self.blocks if isinstance(block, Figure)]
        return tuple(Command(line) for line in dict.fromkeys(drawn) if line not in said)
