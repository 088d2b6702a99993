"""All about each claim: what is compared by which rule, every part, and reasons to doubt it."""

from __future__ import annotations

from pipeline.claims import units
from pipeline.claims.claim import Claim, Part
from pipeline.claims.controls import EmpiricalError
from pipeline.claims.judgement import PartJudgement
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.figures import ClaimFigures, PartNoise
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import (
    Block,
    ClaimDetails,
    Command,
    Listing,
    Nothing,
    Section,
    Table,
    Text,
)
from pipeline.records import Task
from pipeline.wording import ABSENT, capital, listed, percentage

HEADS = (
    "Part",
    "Compared",
    "Verdict",
    "Effect",
    "Score, points",
    "Failures",
    "Blocks",
    "Better in",
    "In seconds",
)


def section(summary: Summary) -> Section:
    """Return one block for each claim, the controls at the end."""
    blocks: tuple[Block, ...] = tuple(
        _details(found, summary.commands["claims"])
        for found in summary.of(Claims).claims
        if found.judgement.verdict.word != "not tested here"
    )
    nothing = (Nothing("Nothing to show: this profile tests no claim."),)
    intro = Text(
        "Each claim was written down with its parts, rules and margins before the runs. All parts "
        "that decide must hold; the others stand beside them. Scores and failures are the first "
        "side's minus the second's."
    )
    shown = (intro, *blocks) if blocks else nothing
    return Section("claims", "The claims one by one", shown)


def _details(found: ClaimFigures, command: str) -> ClaimDetails:
    claim, judgement = found.claim, found.judgement
    lines = [
        f"Source: {claim.source}.",
        f"Experiment {claim.experiment}: {claims_words.basis(claim)}.",
        *_rules(claim, found.task),
    ]
    if said := claims_words.reason(judgement.verdict):
        lines.append(f"{capital(judgement.verdict.word)}: {said}.")
    lines += [*_checks(found), *_doubts(found)]
    for judged in (*judgement.parts, *judgement.beside):
        if judged.chosen:
            stood = "; ".join(one.text for one in judged.chosen)
            lines.append(f"In {judged.name} each stood at its own: {stood}.")
        lines += [f"To know of {judged.name}: {note}." for note in judged.notes]
    blocks: list[Text | Listing | Table | Command] = [Listing(tuple(lines)), _parts(found)]
    blocks.append(Command(command))
    return ClaimDetails(
        claim=claim.id,
        statement=claim.statement,
        mark=claims_words.MARKS[judgement.verdict.word],
        blocks=tuple(blocks),
    )


def _rules(claim: Claim, task: Task) -> list[str]:
    """One line for each rule, with the parts that have it in common."""
    named: dict[str, list[str]] = {}
    for part in claim.parts:
        named.setdefault(claims_words.rule(part, task), []).append(part.name)
    return [f"Rule for {listed(names)}: {rule}." for rule, names in named.items()]


def _checks(found: ClaimFigures) -> list[str]:
    """Say whether the runs did what the claim is about, or that nothing checks it."""
    if not found.claim.manipulation:
        return ["No manipulation check: nothing in the runs' table shows that they did as named."]
    return [
        f"Manipulation check, {part.name}: {judged.verdict.word}, "
        f"{claims_words.outcome(part, judged, found.task)}."
        for part, judged in zip(found.claim.manipulation, found.judgement.manipulation, strict=True)
    ]


def _doubts(found: ClaimFigures) -> list[str]:
    judgement, robust = found.judgement, found.robustness
    if judgement.as_expected is None:
        return [f"Expected: {found.claim.expected}."]
    came = "as expected" if judgement.as_expected else f"expected was {found.claim.expected}"
    lines = [
        f"The verdict came out {came}." if judgement.as_expected else f"Not as expected: {came}."
    ]
    if robust.tested and len(robust.untested) == len(found.claim.specifications):
        lines.append("One specification: no further experiment looks at these parts here.")
    elif robust.tested:
        changed = [f"{word} with {name}" for name, word in sorted(robust.changed.items())]
        lines.append(
            f"The same verdict in {robust.same} of {robust.tested} other specifications"
            + (f"; {listed(changed)}." if changed else ".")
        )
    if robust.untested:
        lines.append(f"Not looked at here: {listed(robust.untested)}.")
    lines += [_noise(noise) for noise in found.noise]
    if found.error is not None:
        lines.append(error(found.error, found.claim.level))
    return lines


def error(found: EmpiricalError, level: float) -> str:
    """Say how often the rule errs on differences of nothing."""
    return (
        f"With the signs of the {found.clusters} seeds' differences flipped at random "
        f"{found.flips:,} times, the rule called {found.called_different:.1%} different, and the "
        f"{percentage(level)} interval alone excluded zero in {found.zero_outside:.1%}."
    )


def _noise(noise: PartNoise) -> str:
    floor = noise.floor
    if floor.treatment is None or floor.control is None or floor.difference is None:
        return f"What pairing bought in {noise.part} can't be said: there is one seed."
    text = (
        f"Noise floor of {noise.part}: over seeds the sides spread by {floor.treatment:.2f} and "
        f"{floor.control:.2f} points, their paired difference by {floor.difference:.2f}"
    )
    if floor.correlation is not None:
        text += f" (correlation {floor.correlation:.2f})"
    if floor.unpaired_clusters is not None:
        text += f"; one pair is worth {floor.unpaired_clusters:.1f} seeds a side that share nothing"
    return f"{text}."


def _parts(found: ClaimFigures) -> Table:
    claim, judgement = found.claim, found.judgement
    pairs = [
        *((part, judged, "") for part, judged in zip(claim.parts, judgement.parts, strict=True)),
        *(
            (part, judged, " (beside)")
            for part, judged in zip(claim.beside, judgement.beside, strict=True)
        ),
    ]
    rows = tuple(_row(found, part, judged, mark) for part, judged, mark in pairs)
    caption = f"Parts of {claim.id}, intervals at {percentage(claim.level)}"
    return Table(caption, HEADS, rows, labels=1)


def _row(found: ClaimFigures, part: Part, judged: PartJudgement, mark: str) -> tuple[str, ...]:
    verdict: str = judged.verdict.word
    if judged.failures is not None and judged.trained.word != verdict:
        verdict += f" (where both trained: {judged.trained.word})"
    seconds = found.seconds.get(part.name)
    return (
        part.name + mark,
        claims_words.compared(part),
        verdict,
        claims_words.outcome(part, judged, found.task) if judged.planned_blocks else ABSENT,
        claims_words.in_points(part, judged),
        claims_words.failures(part, judged.failures) if judged.present_blocks else ABSENT,
        f"{judged.present_blocks} of {judged.planned_blocks}",
        ABSENT if judged.better is None else f"{judged.better:.0%}",
        ABSENT
        if seconds is None
        else units.effect(part, seconds, found.task).replace(" steps", " seconds"),
    )
