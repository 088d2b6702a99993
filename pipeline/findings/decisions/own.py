"""Somebody's own model on their own data, in five lines: which arm, and what comes along with it.

The page and `normbench decide` say the same, from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pipeline.arguments import Argument
from pipeline.claims.rules import Direction
from pipeline.claims.settling import settling
from pipeline.content import Record
from pipeline.findings.decisions import words
from pipeline.findings.decisions.figures import Decided, Figures, Price
from pipeline.findings.decisions.readings import Reading
from pipeline.findings.decisions.rule import OPEN, USES
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import ArmFigures
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.tuned.searches import best_winner
from pipeline.statistics.intervals import Estimate
from pipeline.wording import (
    argument,
    counted,
    listed,
    multiple,
    number,
    percentage,
    points,
    share,
)

WORTHWHILE = 1000  # searches; where it takes more, other data or another margin tell sooner
TOO_MANY = "more searches than are worth it"
FIRST = ("optimizer.learning_rate", "batch_size")


class Answer(Record):
    """What to do in one cell.

    `arm` is the one to use, or the one that is ahead where nothing `is_decided`; `settings` are
    what its best search found, by their full names. `more_searches` is how many searches of each
    arm are likely still needed, by the arm that can't be told; None where no number would do.
    The lines are whole sentences.
    """

    cell: str
    arm: str
    is_decided: bool
    settings: dict[str, Argument]
    estimate: Estimate | None
    more_searches: dict[str, int | None]
    use: str
    buys: str
    costs: str
    risks: str
    left_open: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The five lines, in their order."""
        return (self.use, self.buys, self.costs, self.risks, self.left_open)


def answers(summary: Summary) -> tuple[Answer, ...]:
    """Return the answer of each cell that is somebody's own: that no situation names."""
    cells: dict[str, list[Decided]] = {}
    for each in summary.of(Figures).decided:
        if each.study is not None:
            cells.setdefault(each.study.rpartition("/")[0], []).append(each)
    return tuple(_answer(summary, cell, decided) for cell, decided in cells.items())


def _answer(summary: Summary, cell: str, decided: Sequence[Decided]) -> Answer:
    ranked = sorted(decided, key=_gain, reverse=True)
    good = [each for each in ranked if each.decision in USES]
    good.sort(key=lambda each: each.changed)  # as it is, where that helps, rather than changed
    unclear = [each for each in ranked if each.decision in OPEN]
    best = good[0] if good else None
    if best is None and unclear and _gain(ranked[0]) > 0:
        best = ranked[0]
    arm = summary.analysis.reference if best is None else best.norm
    own = _arm(summary, cell, arm)
    winner = None if own is None else best_winner(own.search)
    settings = {} if winner is None else winner.hyperparameters
    is_decided = bool(good) or not unclear
    found = None if best is None else _read(best)
    return Answer(
        cell=cell,
        arm=arm,
        is_decided=is_decided,
        settings=settings,
        estimate=None if found is None else found.estimate,
        more_searches={each.norm: _more(summary, each) for each in unclear},
        use=_use(summary, arm, settings, best, is_decided=is_decided),
        buys=_buys(summary, best, ranked),
        costs=_costs(summary, cell, arm),
        risks=_risks(summary, cell, own),
        left_open=_left_open(summary, good, unclear),
    )


def _read(found: Decided) -> Reading | None:
    return found.readings[0] if found.readings else None


def _gain(found: Decided) -> float:
    """Return the log of the reference's errors over an arm's; the least where none is known."""
    reading = _read(found)
    value = reading.estimate.value if reading is not None and reading.estimate else None
    return -float("inf") if value is None else value


def _arm(summary: Summary, cell: str, arm: str) -> ArmFigures | None:
    name = f"{cell}/{arm}"
    return next((each for each in summary.of(Tuned).arms if each.name == name), None)


def _use(
    summary: Summary,
    arm: str,
    settings: dict[str, Argument],
    best: Decided | None,
    *,
    is_decided: bool,
) -> str:
    plain = arm == summary.analysis.reference
    named = f"no norm ({arm})" if plain else arm
    begin = f"Use {named}" if is_decided else f"Can't tell yet what to use; {named} is ahead"
    said = f"{begin}: {_said(settings)}" if settings else begin
    change = f"; {best.change}" if best is not None and best.changed else ""
    return f"{said}{change}."


def _said(settings: Mapping[str, Argument]) -> str:
    """Say settings in words, those first that every arm has."""
    names = sorted(settings, key=lambda name: (name not in FIRST, name != FIRST[0], name))
    named = {name: name.rpartition(".")[2].replace("_", " ") for name in names}
    return listed([f"{named[name]} {argument(settings[name])}" for name in names])


def _buys(summary: Summary, best: Decided | None, ranked: Sequence[Decided]) -> str:
    reference = summary.analysis.reference
    if best is not None and (found := _read(best)) is not None:
        with_change = ", recalibrated" if best.changed else ""
        basis = f"{_basis(found)}{with_change}"
        return f"It buys {_effect(summary, found)}, against {reference} ({basis})."
    told = [
        f"{each.norm}: {_effect(summary, found)}"
        for each in ranked
        if (found := _read(each)) is not None
    ]
    return (
        f"It forgoes nothing that can be told; {'; '.join(told)}." if told else "Nothing is known."
    )


def _effect(summary: Summary, found: Reading) -> str:
    """Say how far two arms are apart; which runs failed is told among the risks."""
    trained = found.model_copy(update={"failed": None})
    return words.effect(summary, trained) or words.effect(summary, found)


def _basis(found: Reading) -> str:
    if found.estimate is None:
        return "no interval"
    clusters = counted(found.estimate.clusters, "search")
    return f"{clusters}, {percentage(found.estimate.level)} interval"


def _costs(summary: Summary, cell: str, arm: str) -> str:
    prices = summary.of(Figures).prices
    found: Price | None = next((e for e in prices if (e.cell, e.arm) == (cell, arm)), None)
    if found is None:
        return "What it costs a step was not measured."
    said = f"It costs {number(found.step_milliseconds)} ms a step of {found.batch_size} examples"
    if found.cost_ratio is None:
        return f"{said}."
    return f"{said}, {multiple(found.cost_ratio)} times {summary.analysis.reference}'s."


def _risks(summary: Summary, cell: str, own: ArmFigures | None) -> str:
    if own is None:
        return "What it risks is not known."
    swept, confirmed = own.swept, own.confirmed
    runs = swept.runs + confirmed.runs
    failed = f"{share(swept.failed + confirmed.failed, runs)} runs failed"
    plain = _arm(summary, cell, summary.analysis.reference)
    if plain is not None and plain is not own:
        both = (plain.swept, plain.confirmed)
        lost, of = sum(each.failed for each in both), sum(each.runs for each in both)
        failed += f", {share(lost, of)} of {plain.study.arm}"
    return f"It risks {_gap(summary, own)}; {failed}."


def _gap(summary: Summary, own: ArmFigures) -> str:
    if not own.has_batch_statistics:
        return "no gap: it does the same in training and at inference"
    lost = own.gap.batch_minus_moving if own.gap else None
    if lost is None:
        return "a gap at inference that is not known"
    known = "a gap at inference"
    if lost.reading != "higher":
        known = "no gap at inference that can be told"
    return (
        f"{known}, batch minus moving averages {points(lost)} points of {summary.task(Tuned).score}"
    )


def _left_open(summary: Summary, good: Sequence[Decided], unclear: Sequence[Decided]) -> str:
    parts = list(_needed(summary, unclear))
    if rivals := [each.norm for each in good[1:] if _reaches(each, _gain(good[0]))]:
        parts.append(f"which is best of {listed([good[0].norm, *rivals])}: all of them help")
    return (
        f"Not known yet: {'; '.join(parts)}." if parts else "Nothing that was asked is left open."
    )


def _reaches(found: Decided, gain: float) -> bool:
    """Tell whether an arm may gain as much as that."""
    reading = _read(found)
    return reading is None or reading.estimate is None or reading.estimate.limits[1] >= gain


def _needed(summary: Summary, unclear: Sequence[Decided]) -> Iterator[str]:
    for each in unclear:
        more = _more(summary, each)
        likely = f"about {_searches(more)}" if more and more <= WORTHWHILE else TOO_MANY
        yield f"whether {each.norm} helps, {likely}"


def _searches(more: int) -> str:
    return f"{more:,} more search{'es' * (more != 1)}"


def _more(summary: Summary, found: Decided) -> int | None:
    """Return how many further searches would settle it, if today's effect and spread are true."""
    reading = _read(found)
    estimate = None if reading is None else reading.estimate
    if estimate is None:
        return None
    rule = Direction(kind="direction", margin=math.log(summary.analysis.margin))
    needed = settling(rule, estimate, minimum=2)
    return None if needed is None else max(1, needed.likely - estimate.clusters)
