"""Decisions and readings in words that a reader knows."""

from __future__ import annotations

from pipeline.claims import units
from pipeline.findings.decisions.figures import Decided
from pipeline.findings.decisions.readings import Hundred, Reading
from pipeline.findings.decisions.rule import Decision, Standing
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.tuned.words import effect as ratio
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Mark
from pipeline.records import ErrorWords
from pipeline.statistics.intervals import negated
from pipeline.wording import NO_LIMIT, NONE, TIE, counted, percentage

DECISIONS: dict[Decision, Mark] = {
    "use it": Mark("{use}", "\N{CHECK MARK}", "supported"),
    "use it rather than none": Mark("{use} rather than {none}", "\N{CHECK MARK}", "supported"),
    "use the other instead": Mark("use {other} instead", "\N{RIGHTWARDS ARROW}", "refuted"),
    "leave it out": Mark("{leave}", "\N{BALLOT X}", "refuted"),
    "makes no difference": Mark("makes no difference", "\N{ALMOST EQUAL TO}", "same"),
    "no different from none": Mark("no different from {none}", "\N{ALMOST EQUAL TO}", "same"),
    "rather use it": Mark("rather {use}", "?", "open"),
    "rather leave it out": Mark("rather {leave}", "?", "open"),
    "can't tell yet": Mark("can't tell yet", "?", "open"),
}
NO_NORM = "no norm"
STANDINGS: dict[Standing, Mark] = {
    "better": Mark("better", "\N{CHECK MARK}", "supported"),
    "worse": Mark("worse", "\N{BALLOT X}", "refuted"),
    "same": Mark("no practical difference", "\N{ALMOST EQUAL TO}", "same"),
    "leans better": Mark("better, by how much is open", "?", "open"),
    "leans worse": Mark("worse, by how much is open", "?", "open"),
    "unclear": Mark("can't tell", "?", "open"),
    "untested": Mark("not tested here", "\N{WHITE CIRCLE}", "untested"),
}


def mark(found: Decided) -> Mark:
    """Return a decision's word, sign and style."""
    plain = DECISIONS[found.decision]
    said = {"other": found.other or "another norm", "use": found.use, "leave": found.leave}
    word = plain.word.format(**said, none="none" if found.none == NO_NORM else found.none)
    if found.changed:
        word = f"{word}, with a change"
    return Mark(word, plain.sign, plain.style)


def effect(summary: Summary, found: Reading) -> str:
    """Say how far apart the two sides are: errors in 100, failed runs, or the claim's own words."""
    parts = []
    if found.failed is not None:
        lost = found.failed
        runs = counted(lost.runs, "run")
        parts.append(f"fails in {lost.norm} of {runs}, against {lost.other}")
    if found.errors is not None:
        parts.append(_hundred(found.errors, _error(summary, found)))
    elif found.claim is not None and (found.estimate is not None or found.failed is None):
        parts.append(_claimed(summary, found))
    elif found.estimate is not None:
        parts.append(ratio(negated(found.estimate), _error(summary, found)))
    return "; ".join(filter(None, [*parts, found.note]))


def evidence(found: Reading) -> str:
    """Say what stands behind a reading."""
    if found.estimate is None:
        runs = found.failed
        return found.source if runs is None else f"{found.source} ({runs.runs} pairs of runs)"
    clusters = counted(found.estimate.clusters, "search" if found.anchor == "tuned" else "seed")
    return f"{found.source} ({clusters}, {percentage(found.estimate.level)} interval)"


def claim_of(summary: Summary, name: str) -> ClaimFigures:
    """Return a claim's figures by its id."""
    return next(each for each in summary.of(Claims).claims if each.claim.id == name)


def _error(summary: Summary, found: Reading) -> ErrorWords:
    if found.claim is None:  # of arms that are tuned
        return summary.task(Tuned).error
    return claim_of(summary, found.claim).task.error


def _hundred(found: Hundred, error: ErrorWords) -> str:
    fewer = found.fewer
    assert fewer.value is not None

    def word(value: float) -> str:
        return error.less if value >= 0 else error.more

    ends = (fewer.low, fewer.high)
    alike = all(end is not None and word(end) == word(fewer.value) for end in ends)
    shown = [
        NO_LIMIT if end is None else f"{abs(end):.1f}" if alike else f"{abs(end):.1f} {word(end)}"
        for end in (ends if fewer.value >= 0 or not alike else reversed(ends))
    ]
    interval = NONE if ends == (None, None) else f"[{shown[0]},{TIE}{shown[1]}]"
    return (
        f"{abs(fewer.value):.1f} {word(fewer.value)} {error.noun} in 100 {interval}: "
        f"{found.norm:.1f} instead of {found.other:.1f}"
    )


def _claimed(summary: Summary, found: Reading) -> str:
    figures = claim_of(summary, str(found.claim))
    claim, judgement = figures.claim, figures.judgement
    pairs = zip((*claim.parts, *claim.beside), (*judgement.parts, *judgement.beside), strict=True)
    part, judged = next(pair for pair in pairs if pair[0].name == found.part)
    if found.estimate is None:
        return claims_words.outcome(part, judged, figures.task)
    return units.effect(part, found.estimate, figures.task)
