"""What to do, situation by situation, and why training well is not enough."""

from __future__ import annotations

from pipeline.findings import conditions
from pipeline.findings.decisions import deployed, words
from pipeline.findings.decisions.figures import Decided, Figures
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.tuned.words import effect
from pipeline.page.blocks import (
    Block,
    DecisionRow,
    Decisions,
    EffectLine,
    Link,
    Nothing,
    Section,
    Text,
)
from pipeline.wording import arguments, capital, points


def section(summary: Summary) -> Section:
    """Return a row for each situation, and what training gains and deployment loses."""
    figures = summary.of(Figures)
    blocks: list[Block] = []
    if figures.decided:
        blocks.append(
            Decisions(
                caption="Batch normalization, situation by situation"
                if any(each.study is None for each in figures.decided)
                else "Each way to normalize, at its own best settings",
                rows=tuple(_row(summary, each) for each in figures.decided),
            )
        )
    if told := deployed.sentences(summary, figures.faster):
        first, *rest = told
        blocks.insert(0, Text(f"Trained well, deployed badly: {first[0].lower()}{first[1:]}"))
        blocks += map(Text, rest)
    if figures.decided:
        blocks.append(Text(_explained(figures.decided)))
    if not blocks:
        blocks = [Nothing("Nothing to show: this profile decides about no situation.")]
    return Section("decisions", "What to do", "What to do", tuple(blocks))


def _row(summary: Summary, found: Decided) -> DecisionRow:
    readings = [*found.readings, *found.other_readings]
    return DecisionRow(
        question=found.question,
        settings=conditions.said(found.conditions) if found.conditions else "",
        mark=words.mark(found),
        advice=_advice(summary, found),
        none=_lines(summary, found.readings) or (_absent(),),
        other=_lines(summary, found.other_readings) or (_absent(),),
        other_name=found.other,
        evidence=tuple(Link(words.evidence(each), each.anchor) for each in readings),
        beside=tuple(
            Link(f"{each.source}: {words.effect(summary, each)}", each.anchor)
            for each in found.beside
        ),
    )


def _lines(summary: Summary, readings: tuple[object, ...]) -> tuple[EffectLine, ...]:
    return tuple(
        EffectLine(words.STANDINGS[each.standing], words.effect(summary, each))  # type: ignore[attr-defined,arg-type]
        for each in readings
    )


def _absent() -> EffectLine:
    return EffectLine(words.STANDINGS["untested"], "")


def _advice(summary: Summary, found: Decided) -> tuple[str, ...]:
    lines = []
    if found.changed:
        lines.append(f"{capital(found.change)}.")
        if found.as_is:
            as_is = "; ".join(
                f"{words.STANDINGS[each.standing].word}, {words.effect(summary, each)}"
                for each in found.as_is
            )
            lines.append(f"As it is: {as_is}.")
    if found.chosen:
        lines.append(f"Settings to use: {arguments(found.chosen)}.")
    if found.study is not None and (spoiled := _spoiled(summary, found.study)):
        lines.append(spoiled)
    return tuple(lines)


def _spoiled(summary: Summary, name: str) -> str:
    """Say what moving averages take away from a tuned arm; empty where nothing can be told."""
    tuned = summary.of(Tuned)
    figures = next(each for each in tuned.arms if each.name == name)
    lost = figures.gap.batch_minus_moving if figures.gap else None
    if lost is None or lost.reading == "undecided":
        return ""
    way = "cost" if lost.reading == "higher" else "gain"
    text = (
        f"What spoils it: at inference its moving averages {way} points of {summary.score} "
        f"against each batch's own statistics, batch minus moving {points(lost)}"
    )
    compared = tuned.of(figures, summary.analysis.reference)
    if compared is not None and compared.recalibrated is not None:
        known = effect(compared.recalibrated, summary.error)
        text += f"; recalibrated, {known} against {compared.against}"
    return f"{text}."


def _explained(decided: tuple[Decided, ...]) -> str:
    text = (
        "Behind each effect stands its interval in brackets, over seeds, or over the searches of "
        "tuned arms: what differs in nothing but what chance draws. "
    )
    if any(each.changed for each in decided):
        text += (
            "Recalibrated averages are computed again over training examples once training is "
            "over, with no change of any weight. "
        )
    return (
        f"{text}A row says no more than the weakest of the readings it needs: without a clear "
        "reading against another norm it is silent about that one."
    )
