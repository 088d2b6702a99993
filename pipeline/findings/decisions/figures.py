"""Every situation's decision, and the readings it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pipeline.arguments import Argument, Count
from pipeline.claims.situation import OfTuned, Situation
from pipeline.content import Record
from pipeline.findings.conditions import Conditions, conditions
from pipeline.findings.decisions.deployed import Faster, faster
from pipeline.findings.decisions.readings import Reading, reading
from pipeline.findings.decisions.rule import Decision, decide_with_change, meet
from pipeline.findings.evidence import Evidence
from pipeline.findings.tuned import figures as tuned
from pipeline.findings.tuned.searches import best_winner
from pipeline.statistics.cost_ratios import log_cost_ratio, step_milliseconds
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.pairs import Statistics


class Decided(Record):
    """A situation and its decision.

    `changed` says that the decision needs the situation's change: `readings` and `other_readings`
    are then by recalibrated statistics, else by the moving ones that a user gets, and `otherwise`
    are the first by the other kind, where that makes a difference. `chosen` are the settings that
    the best search found, where the decision is about one arm of somebody's own profile; `study` is
    then the arm's.
    """

    named_by: ClassVar = ("name",)
    judged_by: ClassVar = ("decision", None)

    name: str
    question: str
    norm: str
    none: str
    other: str
    use: str
    leave: str
    change: str
    decision: Decision
    changed: bool
    readings: tuple[Reading, ...]
    other_readings: tuple[Reading, ...]
    otherwise: tuple[Reading, ...]
    beside: tuple[Reading, ...]
    conditions: Conditions | None
    study: str | None
    chosen: dict[str, Argument]


class Price(Record):
    """What a step of an arm of somebody's own profile costs.

    `cost_ratio` is the log of its ratio to the reference's, absent for the reference itself.
    """

    named_by: ClassVar = ("cell", "arm")
    clock_fields: ClassVar = ("batch_size", "step_milliseconds", "cost_ratio")

    cell: str
    arm: str
    batch_size: Count
    step_milliseconds: float
    cost_ratio: Estimate | None


class Figures(Record):
    """The decisions, in the order of the page; `faster` is what training gains."""

    decided: tuple[Decided, ...]
    faster: Faster | None
    prices: tuple[Price, ...]


def figures(evidence: Evidence) -> Figures:
    """Decide every situation of which the profile runs something that decides."""
    situations = sorted(
        map(Situation.parse, evidence.plan.situations.values()),
        key=lambda each: (each.order, each.name),
    )
    found = [decided for each in situations if (decided := _decided(each, evidence)) is not None]
    named = {
        each.experiment
        for situation in situations
        for each in (*situation.against_none, *situation.against_other)
        if isinstance(each, OfTuned)
    }
    own = tuple(_own(evidence, named))
    return Figures(
        decided=(*found, *own),
        faster=faster(evidence),
        prices=tuple(_prices(evidence, {str(each.study).rpartition("/")[0] for each in own})),
    )


def _prices(evidence: Evidence, cells: set[str]) -> Iterator[Price]:
    for cost in evidence.costs.costs if evidence.costs else ():
        for arm in cost.arms if cost.cell_name in cells else ():
            reference, level = evidence.reference, evidence.level
            is_other = arm != reference
            yield Price(
                cell=cost.cell_name,
                arm=arm,
                batch_size=cost.batch_size,
                step_milliseconds=step_milliseconds(cost, arm),
                cost_ratio=log_cost_ratio(cost, arm, reference, level=level) if is_other else None,
            )


def _decided(situation: Situation, evidence: Evidence) -> Decided | None:
    def read(named: Sequence[object], statistics: Statistics) -> tuple[Reading, ...]:
        found = (reading(each, evidence, statistics) for each in named)  # type: ignore[arg-type]
        return tuple(each for each in found if each.standing != "untested")

    kinds: tuple[Statistics, Statistics] = ("moving", "recalibrated")
    none = [read(situation.against_none, kind) for kind in kinds]
    other = [read(situation.against_other, kind) for kind in kinds]
    if not any(none) and not any(other):
        return None
    as_is, changed = (
        (
            meet(each.standing for each in ours),
            meet(each.standing for each in theirs) if situation.other else None,
        )
        for ours, theirs in zip(none, other, strict=True)
    )
    decision, is_changed = decide_with_change(as_is, changed)
    return Decided(
        name=situation.name,
        question=situation.question,
        norm=situation.norm,
        none=situation.none,
        other=situation.other,
        use=situation.use,
        leave=situation.leave,
        change=situation.change,
        decision=decision,
        changed=is_changed,
        readings=none[is_changed],
        other_readings=other[is_changed],
        otherwise=none[1 - is_changed] if as_is[0] != changed[0] else (),
        beside=read(situation.beside, kinds[is_changed]),
        conditions=conditions(situation, evidence),
        study=None,
        chosen={},
    )


def _own(evidence: Evidence, named: set[str]) -> Iterator[Decided]:
    """Decide about every tuned arm of experiments that no situation names."""
    for each in evidence.of(tuned.figures).arms:
        study = each.study
        if study.experiment in named or each.is_reference:
            continue
        asked = OfTuned(
            kind="tuned",
            experiment=study.experiment,
            model=study.model_name,
            arm=study.arm,
            against=evidence.reference,
        )
        situation = Situation(
            name=each.name,
            order=0,
            question=f"{study.arm} on {study.dataset}, {study.model_name}",
            norm=study.arm,
            none=evidence.reference,
            other="",
            use="use it",
            leave="leave it out",
            change="recalibrate its averages before use",
            against_none=(asked,),
            against_other=(),
            beside=(),
        )
        if (decided := _decided(situation, evidence)) is not None:
            winner = best_winner(each.search)
            chosen = {} if winner is None else winner.hyperparameters
            yield decided.model_copy(update={"study": each.name, "chosen": chosen})
