"""The verdict table, written a second time as it stands in the specification."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from pipeline.claims.failing import failure_rule
from pipeline.claims.rules import (
    Amount,
    Band,
    Direction,
    Equivalence,
    Exact,
    IntervalRule,
    Word,
    word_of,
)
from pipeline.claims.settling import Settling, settling
from pipeline.claims.verdict import Evidence, Verdict, conjunction, judge, plain_verdict
from pipeline.statistics.intervals import Estimate, estimate
from pipeline.statistics.samples import bounded_sample, sample_of

DIRECTION = Direction(kind="direction", margin=0.5)
AMOUNT = Amount(kind="amount", amount=1.5, margin=0.5)
BAND = Band(kind="band", low=-0.5, high=1.0, margin=0.5)
EQUIVALENCE = Equivalence(kind="equivalence", margin=0.5)
WITHIN = Exact(kind="exact", value=3.0, tolerance=0.5, asserts="within")
BEYOND = Exact(kind="exact", value=3.0, tolerance=0.5, asserts="beyond")

# The specification's conditions on [a, b], each by itself; what meets none is inconclusive.
Condition = Callable[[float, float], bool]
TABLE: list[tuple[IntervalRule, dict[Word, Condition]]] = [
    (
        DIRECTION,
        {
            "supported": lambda a, b: a > 0.5,
            "refuted": lambda a, b: b < -0.5,
            "no practical difference": lambda a, b: a >= -0.5 and b <= 0.5,
        },
    ),
    (AMOUNT, {"supported": lambda a, b: a >= 1.0, "refuted": lambda a, b: b < 1.0}),
    (
        BAND,
        {
            "supported": lambda a, b: a >= -1.0 and b <= 1.5,
            "refuted": lambda a, b: b < -1.0 or a > 1.5,
        },
    ),
    (
        EQUIVALENCE,
        {
            "supported": lambda a, b: a >= -0.5 and b <= 0.5,
            "refuted": lambda a, b: b < -0.5 or a > 0.5,
        },
    ),
]
# Quarters are exact in binary: every boundary is hit from both sides and on the spot.
GRID = [-math.inf, *np.arange(-2.5, 2.75, 0.25).tolist(), math.inf]
INTERVALS = [(a, b) for a, b in itertools.product(GRID, GRID) if a <= b]


@pytest.mark.parametrize(("rule", "rows"), TABLE, ids=[rule.kind for rule, _ in TABLE])
def test_every_interval_meets_at_most_one_row_and_gets_its_word(
    rule: IntervalRule, rows: dict[Word, Condition]
) -> None:
    met = set()
    for a, b in INTERVALS:
        words = [word for word, holds in rows.items() if holds(a, b)]
        assert len(words) <= 1, (a, b, words)  # disjoint
        expected = words[0] if words else "inconclusive"  # exhaustive
        assert word_of(rule, a, b) == expected, (a, b)
        met.add(expected)
    assert met == {*rows, "inconclusive"}  # no row is idle on this grid


def test_the_grid_is_not_empty() -> None:
    assert len(INTERVALS) == 23 * 24 // 2


@pytest.mark.parametrize("ends", [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan)])
def test_what_is_no_interval_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        word_of(DIRECTION, *ends)


def _estimate(low: float | None, high: float | None, *, clusters: int = 10) -> Estimate:
    ends = [end for end in (low, high) if end is not None]
    return Estimate(
        value=sum(ends) / len(ends) if ends else 0.0,
        known="exactly",
        low=low,
        high=high,
        level=0.95,
        spread=1.0,
        clusters=clusters,
        blocks=clusters,
        method="t",
    )


def _evidence(
    found: Estimate | None = None,
    *,
    planned: int = 10,
    present: int = 10,
    departure: float | None = None,
    failure: str | None = None,
    clusters: int | None = None,
) -> Evidence:
    counted = 0 if found is None else found.clusters
    return Evidence(
        estimate=found,
        largest_departure=departure,
        clusters=counted if clusters is None else clusters,
        planned_blocks=planned,
        present_blocks=present,
        manipulation_failure=failure,
    )


def test_what_the_profile_does_not_run_is_not_tested_here() -> None:
    for rule in (DIRECTION, AMOUNT, BAND, EQUIVALENCE, WITHIN):
        assert judge(rule, None, minimum=8).word == "not tested here"


CLEAR = _estimate(0.6, 0.9)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (_evidence(_estimate(0.6, 0.9, clusters=7)), "7 of at least 8 clusters can be compared"),
        (_evidence(CLEAR, planned=11), "1 of 11 blocks are missing"),  # 9%
        (_evidence(CLEAR, failure="gamma moved"), "the manipulation check failed: gamma moved"),
        (_evidence(planned=10, present=0), "no block ran in both arms"),
        (_evidence(planned=10, present=10), "0 of at least 8 clusters can be compared"),
    ],
)
def test_obstacles_come_before_any_interval(evidence: Evidence, reason: str) -> None:
    verdict = judge(DIRECTION, evidence, minimum=8)
    assert verdict.word == "inconclusive"
    assert verdict.reason is not None
    assert reason in verdict.reason


def test_one_missing_block_of_twenty_is_borne() -> None:
    evidence = _evidence(CLEAR, planned=20, present=19)  # exactly 5%
    assert judge(DIRECTION, evidence, minimum=8).word == "supported"


def test_all_obstacles_are_named() -> None:
    evidence = _evidence(_estimate(0.6, 0.9, clusters=2), planned=9, present=2, failure="off")
    reason = judge(DIRECTION, evidence, minimum=8).reason
    assert reason is not None
    assert len(reason.split("; ")) == 3


@pytest.mark.parametrize(
    ("departure", "within", "beyond"),
    [(0.0, "supported", "refuted"), (0.5, "supported", "refuted"), (0.51, "refuted", "supported")],
)
def test_an_exact_claim_has_a_tolerance_and_no_interval(
    departure: float, within: Word, beyond: Word
) -> None:
    evidence = _evidence(departure=departure, planned=1, present=1, clusters=1)
    assert judge(WITHIN, evidence, minimum=1).word == within
    assert judge(BEYOND, evidence, minimum=1).word == beyond


def test_an_exact_claim_without_values_is_inconclusive() -> None:
    evidence = _evidence(planned=1, present=1, clusters=1)
    assert judge(WITHIN, evidence, minimum=1).reason == "there are no values"


@pytest.mark.parametrize(
    ("ends", "settled"), [((0.1, 0.9), True), ((-0.9, -0.1), True), ((-0.1, 0.9), False)]
)
def test_a_direction_is_settled_when_zero_lies_outside(
    ends: tuple[float, float], settled: bool
) -> None:
    verdict = judge(DIRECTION, _evidence(_estimate(*ends)), minimum=8)
    assert (verdict.word, verdict.direction_settled) == ("inconclusive", settled)


def test_a_refuted_amount_says_what_its_direction_came_to() -> None:
    verdict = judge(AMOUNT, _evidence(_estimate(0.6, 0.9)), minimum=8)
    assert (verdict.word, verdict.direction) == ("refuted", "supported")
    assert judge(AMOUNT, _evidence(_estimate(1.1, 1.4)), minimum=8).direction is None


def test_an_interval_open_on_one_side_can_still_support() -> None:
    assert judge(DIRECTION, _evidence(_estimate(0.6, None)), minimum=8).word == "supported"
    assert judge(EQUIVALENCE, _evidence(_estimate(0.6, None)), minimum=8).word == "refuted"
    assert judge(BAND, _evidence(_estimate(0.6, None)), minimum=8).word == "inconclusive"


def test_no_limits_at_all_are_inconclusive_with_that_reason() -> None:
    verdict = judge(DIRECTION, _evidence(_estimate(None, None)), minimum=8)
    assert verdict.reason == "10 clusters like these bound the effect on neither side"


@pytest.mark.parametrize("value", [0.7, 0.2, -0.9])
@pytest.mark.parametrize("rule", [DIRECTION, AMOUNT, BAND, EQUIVALENCE])
def test_the_clusters_to_settle_are_the_first_at_which_the_half_width_fits(
    rule: IntervalRule, value: float
) -> None:
    # Brute force: count up until the t interval's half-width is within the nearest boundary.
    edges = {"direction": (0.5, -0.5), "amount": (1.0,), "band": (-1.0, 1.5)}
    nearest = min(abs(value - edge) for edge in edges.get(rule.kind, (0.5, -0.5)))
    found = _estimate(value - 2, value + 2)
    count = 2
    while stats.t.ppf(0.975, count - 1) / math.sqrt(count) > nearest:
        count += 1
    projected = settling(rule, found, minimum=2)
    enough = settling(rule, found, minimum=10_000)
    assert projected is not None
    assert enough is not None
    assert projected.likely == max(count, 6)  # fewer have no interval at 95%
    assert projected.fewest <= projected.likely
    assert projected.most is None or projected.likely <= projected.most
    assert enough.likely == 10_000


def test_on_a_boundary_no_number_of_clusters_settles() -> None:
    assert settling(DIRECTION, _estimate(-1.5, 2.5), minimum=8) is None  # value 0.5
    assert settling(DIRECTION, _estimate(-1.5, 2.5000001), minimum=8) is None


def test_without_a_spread_only_clusters_that_agree_know_how_many_they_need() -> None:
    one = estimate(sample_of([1.0], seeds=[1]), level=0.95)
    bounds = estimate(bounded_sample([1.0] * 3, [math.inf] * 3, seeds=range(3)), level=0.95)
    agree = estimate(sample_of([1.0] * 3, seeds=range(3)), level=0.95)
    assert one is not None
    assert bounds is not None
    assert agree is not None
    assert settling(DIRECTION, one, minimum=2) is None
    assert settling(DIRECTION, bounds, minimum=2) is None
    assert settling(DIRECTION, agree, minimum=2) == (6, 6, None)  # 2 / 2**6 is under 5%


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_clusters_that_agree_on_a_share_need_enough_that_none_goes_unseen(value: float) -> None:
    rule = Direction(kind="direction", margin=0.1)

    def found(clusters: int) -> Estimate:
        sample = sample_of([value] * clusters, seeds=range(clusters))
        made = estimate(sample.model_copy(update={"bound": 1.0}), level=0.95)
        assert made is not None
        return made

    projected = settling(rule, found(4), minimum=2)
    assert projected is not None
    needed = projected.likely
    decided = [word_of(rule, *found(count).limits) != "inconclusive" for count in range(2, 100)]
    assert needed == 2 + decided.index(True)  # brute force


S, R, N, IC, X = (
    plain_verdict("supported"),
    plain_verdict("refuted"),
    plain_verdict("no practical difference"),
    plain_verdict("inconclusive", "wide", needed=Settling(40, 30, None)),
    plain_verdict("not tested here"),
)


@pytest.mark.parametrize(
    ("parts", "corrected", "word"),
    [
        ([S, S], [S, S], "supported"),
        ([S, S], [S, IC], "supported"),  # all at the claim's own level
        ([S, R], [S, R], "refuted"),
        ([S, R], [S, IC], "inconclusive"),  # refuted, but not at alpha / k
        ([IC, R], [IC, R], "refuted"),
        ([N, N], [N, N], "no practical difference"),
        ([S, N], [S, N], "inconclusive"),
        ([S, IC], [S, IC], "inconclusive"),
        ([X, X], [X, X], "not tested here"),
        ([S, X], [S, X], "inconclusive"),
        ([R, X], [R, X], "refuted"),
    ],
)
def test_a_conjunction_holds_when_all_parts_do(
    parts: list[Verdict], corrected: list[Verdict], word: Word
) -> None:
    assert conjunction(parts, corrected, names=["one", "two"]).word == word


def test_every_pair_of_verdicts_meets_at_most_one_row_of_the_conjunction() -> None:
    for pair in itertools.product([S, R, N, IC, X], repeat=2):
        words = [part.word for part in pair]
        rows = {
            "supported": all(word == "supported" for word in words),
            "refuted": any(word == "refuted" for word in words),
            "no practical difference": all(word == "no practical difference" for word in words),
            "not tested here": all(word == "not tested here" for word in words),
        }
        met = [word for word, holds in rows.items() if holds]
        assert len(met) <= 1
        expected = met[0] if met else "inconclusive"
        assert conjunction(pair, pair, names=["one", "two"]).word == expected


def test_a_conjunction_of_one_is_that_part_and_of_none_is_refused() -> None:
    assert conjunction([IC], [IC], names=["one"]) is IC
    with pytest.raises(ValueError, match="at least one part"):
        conjunction([], [], names=[])


def test_an_inconclusive_conjunction_names_its_parts_and_the_most_clusters_any_needs() -> None:
    more = plain_verdict("inconclusive", "wide", needed=Settling(90, 20, 300))
    verdict = conjunction([IC, more], [IC, more], names=["mlp", "cnn"])
    assert verdict.reason == "mlp: inconclusive; cnn: inconclusive"
    assert verdict.settled == (90, 30, None)
    never = plain_verdict("inconclusive", "on the edge")
    assert conjunction([IC, never], [IC, never], names=["a", "b"]).clusters_to_settle is None


def test_failures_are_judged_by_the_claim_s_direction_or_should_be_as_frequent() -> None:
    assert failure_rule(DIRECTION, 0.05, paired=True) == Direction(kind="direction", margin=0.05)
    same = Equivalence(kind="equivalence", margin=0.05)
    assert failure_rule(DIRECTION, 0.05, paired=False) == same
    assert failure_rule(AMOUNT, 0.05, paired=True) == same
