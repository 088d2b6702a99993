"""The answer for somebody who reads nothing else: a few sentences and one table, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.findings.answer.section import controls, tally
from pipeline.findings.decisions import words
from pipeline.findings.decisions.deployed import sentences
from pipeline.findings.decisions.figures import Figures as Decisions
from pipeline.findings.decisions.section import in_short
from pipeline.findings.decisions.settled import settled
from pipeline.findings.failures.figures import Figures as Failures
from pipeline.findings.origins.figures import Figures as Origins
from pipeline.findings.screening import screening
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.findings.verdicts.section import score
from pipeline.page.blocks import Listing, Table, Text
from pipeline.page.rendering import markdown
from pipeline.wording import MISSING, counted

HEADS = ("Situation", "What to do", "Because", "Evidence")


def brief(summary: Summary, report: str) -> str:
    """Return the page as Markdown.

    Args:
        summary: The analysis.
        report: The way from the page to the folder of the whole report.
    """
    decisions = summary.of(Decisions)
    claims = summary.of(Claims).claims
    judged = [each for each in claims if each.claim.control is None]
    parts = [
        "# Where batch normalization helps and where it hurts",
        markdown(Text(" ".join([_measured(summary), tally(judged)]))),
        markdown(Listing(tuple(in_short(decisions.decided)))),
        *(
            markdown(Text(text))
            for text in (
                settled(summary),
                *sentences(summary, decisions.faster)[:1],
                " ".join(filter(None, [controls(summary), score(list(claims))])),
                screening(summary),
            )
            if text
        ),
        markdown(Table("What to do", HEADS, tuple(_rows(summary)), labels=1)),
        f"The whole report, one page that needs no network: [{report}/report.html]"
        f"({report}/report.html), or [as Markdown]({report}/report.md). This page and that one are "
        f"made from `{report}/analysis.json`.",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _measured(summary: Summary) -> str:
    """Say how much was trained, and how much of it failed."""
    origins = summary.of(Origins)
    clock = origins.clock.clock if origins.clock else None
    hours = f"{clock.wall_seconds / 3600:.1f} hours" if clock else MISSING
    sources = {each.source for each in origins.data}  # of one of which some take a part
    outcomes = [each.outcomes for each in summary.of(Failures).studies]
    runs, failed = sum(each.runs for each in outcomes), sum(each.failed for each in outcomes)
    return (
        f"Measured by {runs:,} training runs on {counted(len(sources), 'dataset')}, {hours} "
        f"of one core; {failed:,} of them failed, and count."
    )


def _rows(summary: Summary) -> Iterator[tuple[str, ...]]:
    for each in summary.of(Decisions).decided:
        decisive = each.readings
        if each.decision == "use the other instead":
            decisive = each.other_readings
        word = words.mark(each).word.partition(",")[0]
        because = (
            f"{words.STANDINGS[reading.standing].word}, {words.effect(summary, reading)}"
            for reading in decisive
        )
        yield (
            each.question,
            f"{word}, if you {each.change}" if each.changed else word,
            "; ".join(because),
            "; ".join(words.evidence(reading) for reading in decisive),
        )
