"""A claim and the runs' table in, a judgement out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from pipeline.claims.claim import Claim, Part
from pipeline.claims.failing import deciding_limits, failure_rule, outcomes
from pipeline.claims.judgement import FailureJudgement, Judgement, PartJudgement
from pipeline.claims.rules import Exact, Rule
from pipeline.claims.verdict import Evidence, Verdict, conjunction, judge
from pipeline.components import build
from pipeline.statistics.intervals import Estimate, estimate, points_estimate, ranked_estimate
from pipeline.statistics.noise import probability_better
from pipeline.statistics.own_rates import Chosen, chosen, own_runs, shared_runs
from pipeline.statistics.pairs import Statistics, column, select, with_statistics
from pipeline.statistics.samples import Sample, cluster_means, oriented

Group = Literal["parts", "beside", "manipulation"]


class Sides(NamedTuple):
    """What a part's rows say: the values of its blocks, and at which values its sides stand."""

    sample: Sample
    chosen: tuple[Chosen, ...]


def judge_claim(
    claim: Claim,
    runs: pd.DataFrame,
    *,
    planned: Mapping[str, int],
) -> Judgement:
    """Judge a claim from the runs of its experiment.

    Args:
        claim: As its file has it.
        runs: One row per run of the runs' table.
        planned: How many different values of its `block` the profile asks for,
            by part; a part that is not there or has none is not tested here.

    Raises:
        Refusal: A part's kind of effect cannot be found or refuses its arguments.
        ValueError: A column is absent, or a block has two runs.
    """
    failing: str | None = None
    other: Statistics = "recalibrated" if claim.statistics == "moving" else "moving"

    @cache
    def read(group: Group, statistics: Statistics) -> list[Sides | None]:
        table = with_statistics(runs, statistics)
        parts: tuple[Part, ...] = getattr(claim, group)
        return [read_part(part, table) if planned.get(part.name, 0) else None for part in parts]

    def judged(group: Group, statistics: Statistics, level: float) -> list[PartJudgement]:
        return [
            judge_part(
                part,
                sides,
                planned_blocks=planned.get(part.name, 0),
                manipulation_failure=failing,
                minimum=claim.minimum,
                level=level,
                failure_margin=claim.failure_margin,
            )
            for part, sides in zip(getattr(claim, group), read(group, statistics), strict=True)
        ]

    def whole(statistics: Statistics) -> tuple[list[PartJudgement], Verdict]:
        parts = judged("parts", statistics, claim.level)
        strict = judged("parts", statistics, 1 - (1 - claim.level) / len(parts))
        verdict = conjunction(
            [part.verdict for part in parts],
            [part.verdict for part in strict],
            names=[part.name for part in parts],
        )
        return parts, verdict

    checks = judged("manipulation", claim.statistics, claim.level)
    broken = [f"{each.name} is {each.verdict.word}" for each in checks if _is_broken(each)]
    failing = ", ".join(broken) or None
    parts, verdict = whole(claim.statistics)
    _, differently = whole(other)
    tested = verdict.word != "not tested here"
    return Judgement(
        claim=claim.name,
        statistics=claim.statistics,
        verdict=verdict,
        parts=tuple(parts),
        beside=tuple(judged("beside", claim.statistics, claim.level)),
        manipulation=tuple(checks),
        other=differently,
        disagrees=differently.word != verdict.word,
        as_expected=verdict.word == claim.expected if tested else None,
    )


def judge_part(
    part: Part,
    sides: Sides | None,
    *,
    planned_blocks: int,
    manipulation_failure: str | None,
    minimum: int,
    level: float,
    failure_margin: float,
) -> PartJudgement:
    """Judge one part by what its rows say; without any, it is not tested here."""
    if sides is None:
        return _untested(part, minimum)
    sample, paired = sides.sample, part.control is not None
    found = ranked_estimate(sample, level=level)

    def verdict_on(
        rule: Rule,
        of: Sample,
        what: Estimate | None,
        clusters: int,
        limits: tuple[float, float] | None = None,
    ) -> Verdict:
        evidence = Evidence(
            estimate=what,
            largest_departure=_departure(rule, of),
            clusters=clusters,
            planned_blocks=planned_blocks,
            present_blocks=sample.present,
            manipulation_failure=manipulation_failure,
        )
        return judge(rule, evidence, minimum=minimum, limits=limits)

    def on_seeds(of: Sample) -> Verdict:
        limits = deciding_limits(of, paired=paired, level=level)
        clusters = len(outcomes(of, paired=paired)[0])
        return verdict_on(part.rule, of, found, clusters, limits)

    trained = verdict = on_seeds(sample.model_copy(update={"failures": None}))
    failures = None
    if sample.failures is not None and (share := estimate(sample.failures, level=level)):
        rule = failure_rule(part.rule, failure_margin, paired=paired)
        apart, _ = cluster_means(sample.failures)
        failures = FailureJudgement(
            estimate=share,
            verdict=verdict_on(rule, sample.failures, share, share.clusters),
            mcnemar=sample.failures.mcnemar,
            more=int((apart > 0).sum()),
            fewer=int((apart < 0).sum()),
        )
        if not isinstance(part.rule, Exact):  # whose values failed runs have too
            verdict = on_seeds(sample)
    return PartJudgement(
        name=part.name,
        verdict=verdict,
        trained=trained,
        estimate=None if isinstance(part.rule, Exact) else found,
        mean=None if isinstance(part.rule, Exact) else estimate(sample, level=level),
        points=points_estimate(sample, level=level),
        largest_departure=_departure(part.rule, sample),
        failures=failures,
        better=None if part.control is None else probability_better(sample),
        planned_blocks=planned_blocks,
        present_blocks=sample.present,
        chosen=sides.chosen,
        notes=sample.notes,
    )


def read_part(part: Part, runs: pd.DataFrame) -> Sides:
    """Return what the rows of one part say; `runs` has the statistics that are asked for.

    Raises:
        Refusal: Its kind of effect cannot be found or refuses its arguments.
        ValueError: A column is absent, or a block has two runs.
    """
    return Sides(part_sample(part, runs), chosen_by(part, runs))


def part_sample(part: Part, runs: pd.DataFrame) -> Sample:
    """Return the values of one part's blocks, turned as the claim asserts them.

    Raises:
        Refusal: Its kind of effect cannot be found or refuses its arguments.
        ValueError: A column is absent, or a block has two runs.
    """
    sample: Sample = build(part.effect, *compared(part, runs), block=part.block)
    return oriented(sample, part.asserts)


def compared(part: Part, runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of either side, each at the value it chose where the part says so.

    Raises:
        ValueError: A column is absent.
    """
    return sides_of(part, shared_runs(runs) if part.own is None else own_runs(runs))


def chosen_by(part: Part, runs: pd.DataFrame) -> tuple[Chosen, ...]:
    """Return at which values the sides stand; nothing where a part leaves them no choice."""
    if part.own is None:
        return ()
    grid = np.unique(column(runs, part.own)).tolist()
    return chosen(compared(part, runs), part.own, grid)


def sides_of(part: Part, runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of the treatment, and of the control where a part has one.

    Raises:
        ValueError: A column is absent.
    """
    common = select(runs, part.where)
    return [select(common, side) for side in (part.treatment, part.control) if side is not None]


def _is_broken(check: PartJudgement) -> bool:
    return check.verdict.word not in ("supported", "not tested here")


def _departure(rule: Rule, sample: Sample) -> float | None:
    if not isinstance(rule, Exact) or not sample.seeds or sample.is_censored:
        return None
    return float(np.max(np.abs(np.array(sample.lows, np.float64) - rule.value)))


def _untested(part: Part, minimum: int) -> PartJudgement:
    verdict = judge(part.rule, None, minimum=minimum)
    return PartJudgement(
        name=part.name,
        verdict=verdict,
        trained=verdict,
        estimate=None,
        mean=None,
        points=None,
        largest_departure=None,
        failures=None,
        better=None,
        planned_blocks=0,
        present_blocks=0,
        chosen=(),
        notes=(),
    )
