"""What to do, situation by situation, and why training well is not enough."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.findings import conditions
from pipeline.findings.decisions import deployed, words
from pipeline.findings.decisions.figures import Decided, Figures
from pipeline.findings.decisions.own import answers
from pipeline.findings.decisions.settled import settled
from pipeline.findings.screening import screening
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.tuned.words import effect
from pipeline.page.blocks import (
    Block,
    DecisionRow,
    Decisions,
    EffectLine,
    Link,
    Listing,
    Nothing,
    Section,
    Table,
    Text,
)
from pipeline.wording import arguments, capital, listed, points

EXPLAINED = (
    "Effects are by the moving averages that a user gets; where a row asks for recalibration, and "
    "on maps, by recalibrated ones, which are computed again over training examples once training "
    "is over, with no change of any weight (for a saved model: `normbench diagnose MODEL --data "
    "DATASET --recalibrate OUT.keras`). The claims behind them may be judged by the other "
    "kind, and say so. In brackets stand intervals over seeds, or over the searches of tuned arms. "
    "A row says no more than the weakest of the readings it needs: without a clear reading "
    "against another norm it is silent about that one."
)
LOST = "Trained well, deployed badly: recalibrate before use. "
WORDS = Table(
    caption="Words of this page",
    heads=("Word", "What it means"),
    rows=(
        ("arm", "a way to normalize: none, batch, batch_default (as Keras ships it), layer, ..."),
        ("moving averages", "what a batch norm normalizes by when it infers"),
        ("recalibrated", "those averages computed again over training examples"),
        ("seed", "one run of each arm with the same data order and draws: the unit of intervals"),
        ("search", "one tuning of an arm from the start: the unit where arms are tuned"),
        ("own rate", "the learning rate that suits an arm best, chosen on seeds of their own"),
        ("error ratio", "errors of the one side over errors of the other"),
        ("margin", "a difference that is practically none, fixed before the runs"),
        ("rather", "the interval leaves out 0 and reaches over the margin: how much is open"),
        ("can't tell", "the interval reaches over 0 and over the margin"),
        ("screening", "few seeds: says what to measure next, and settles nothing"),
        ("cell", "a dataset, a model and an optimizer in which arms are compared"),
    ),
    labels=1,
    folded=True,
)


def section(summary: Summary) -> Section:
    """Return a row for each situation, and what training gains and deployment loses."""
    figures = summary.of(Figures)
    blocks: list[Block] = []
    if figures.decided:
        blocks += _answered(summary)
        if any(each.study is None for each in figures.decided):
            blocks += [_measured(summary, figures.decided), Text("Batch normalization, in short:")]
            blocks.append(Listing(in_short(figures.decided)))
        blocks.append(
            Decisions(
                caption="Batch normalization, situation by situation"
                if any(each.study is None for each in figures.decided)
                else "Each way to normalize, at its own best settings",
                rows=tuple(_row(summary, each) for each in figures.decided),
            )
        )
    told = deployed.sentences(summary, figures.faster)
    if told and deployed.is_lost(figures.faster):
        told[0] = f"{LOST}{told[0]}"
    lost = [Text(text) for text in (settled(summary), " ".join(told)) if text]
    at = len(blocks) - 1 if figures.decided else 0
    blocks[at:at] = lost
    if figures.decided:
        blocks += [Text(EXPLAINED), WORDS]
    if not blocks:
        blocks = [Nothing("Nothing to show: this profile decides about no situation.")]
    return Section("decisions", "What to do", tuple(blocks))


def _measured(summary: Summary, decided: Sequence[Decided]) -> Text:
    """Say what the decisions below are made of, and what a screening is worth."""
    known = [each.conditions for each in decided if each.conditions]
    data, models = (
        sorted({name for each in known for name in getattr(each, kind)})
        for kind in ("datasets", "models")
    )
    said = f"Measured on {listed(data)} with {listed(models)}; each row says its settings."
    return Text(" ".join(filter(None, [said if known else "", screening(summary)])))


def _answered(summary: Summary) -> list[Block]:
    """Say in five lines what to do in each cell that is somebody's own."""
    found = answers(summary)
    blocks: list[Block] = []
    for each in found:
        if len(found) > 1:
            blocks.append(Text(f"On {each.cell}:"))
        blocks.append(Listing(each.lines))
    return blocks


def in_short(decided: Sequence[Decided]) -> tuple[str, ...]:
    """Return a line for each thing to do: in which situations."""
    order = list(words.DECISIONS)
    said: dict[tuple[str, str], list[str]] = {}
    for each in sorted(decided, key=lambda each: order.index(each.decision)):
        word = words.mark(each).word.partition(",")[0]
        said.setdefault((word, each.change if each.changed else ""), []).append(each.question)
    return tuple(
        f"{capital(word)}{f', if you {change}' if change else ''}: {'; '.join(questions)}."
        for (word, change), questions in said.items()
    )


def _row(summary: Summary, found: Decided) -> DecisionRow:
    readings = [*found.readings, *found.other_readings]
    return DecisionRow(
        question=found.question,
        settings=conditions.said(found.conditions) if found.conditions else "",
        mark=words.mark(found),
        advice=_advice(summary, found),
        none=_lines(summary, found.readings) or (_absent(),),
        none_name=found.none,
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
    if found.otherwise:
        readings = "; ".join(
            f"{words.STANDINGS[each.standing].word}, {words.effect(summary, each)}"
            for each in found.otherwise
        )
        lines.append(f"{'As it is' if found.changed else 'Recalibrated'}: {readings}.")
    if found.chosen:
        lines.append(f"Settings to use: {arguments(found.chosen)}.")
    if found.study is not None and (spoiled := _spoiled(summary, found.study)):
        lines.append(spoiled)
    return tuple(lines)


def _spoiled(summary: Summary, name: str) -> str:
    """Say what moving averages take away from a tuned arm; empty where nothing can be told."""
    task = summary.task(Tuned)
    tuned = summary.of(Tuned)
    figures = next(each for each in tuned.arms if each.name == name)
    lost = figures.gap.batch_minus_moving if figures.gap else None
    if lost is None or lost.reading == "undecided":
        return ""
    way = "cost" if lost.reading == "higher" else "gain"
    text = (
        f"What spoils it: at inference its moving averages {way} points of {task.score} "
        f"against each batch's own statistics, batch minus moving {points(lost)}"
    )
    compared = tuned.of(figures, summary.analysis.reference)
    if compared is not None and compared.recalibrated is not None:
        known = effect(compared.recalibrated, task.error)
        text += f"; recalibrated, {known} against {compared.against}"
    return f"{text}."
