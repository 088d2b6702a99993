"""Words for readers: effects in their units, rules, and the sentences of the answer."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fake_analysis import fake_analysis, with_figures
from questions import TASK

from pipeline.claims import units
from pipeline.claims.claim import Part
from pipeline.claims.judgement import FailureJudgement
from pipeline.claims.rules import Word
from pipeline.claims.settling import Settling
from pipeline.claims.verdict import plain_verdict
from pipeline.findings.answer import section as answer
from pipeline.findings.brief import brief
from pipeline.findings.decisions import deployed
from pipeline.findings.decisions.figures import Figures as Decisions
from pipeline.findings.decisions.settled import settled
from pipeline.findings.gap.figures import Figures as Gaps
from pipeline.findings.gap.figures import Line
from pipeline.findings.map.figures import Figures as Maps
from pipeline.findings.places import Place, short_names
from pipeline.findings.screening import screening
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts import section as verdicts
from pipeline.findings.verdicts import words as claims_words
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Lead, Verdicts
from pipeline.page.escaping import markdown_text
from pipeline.records import Task
from pipeline.statistics.intervals import Estimate
from pipeline.wording import multiple, ranges

KINDS = "pipeline.claims.kinds"
BARE = "errors.np.mean"  # some function without words
TIE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DIRECTION = {"kind": "direction", "margin": 0.1}
ACCURACY = Task.parse(TASK)


def part(kind: str, asserts: str = "less", rule: Any = None, **more: Any) -> Part:
    plain: dict[str, Any] = {
        "name": "error",
        "effect": {"target": f"{KINDS}.{kind}", "arguments": more.pop("arguments", {})},
        "treatment": {"arm": "batch"},
        "control": {"arm": "none"},
        "where": {},
        "block": ["seed"],
        "own": None,
        "asserts": asserts,
        "rule": rule or DIRECTION,
    }
    return Part.parse(plain | more)


def found(
    value: float | None, low: float | None, high: float | None, known: str = "exactly"
) -> Estimate:
    return Estimate.parse(
        {
            "value": value,
            "known": known,
            "low": low,
            "high": high,
            "level": 0.95,
            "spread": None,
            "clusters": 8,
            "blocks": 8,
            "method": "t",
        }
    )


ERRORS, RATE, TIME = (
    "errors.log_error_ratio",
    "largest_rate.largest_rate",
    "time_to_target.time_to_target",
)


# Expected words by arithmetic: exp(-0.105) = 0.9003, exp(0.1) = 1.105, exp(2.2) = 9.03, ...
@pytest.mark.parametrize(
    ("of", "estimate", "words"),
    [
        (part(ERRORS), found(0.105, 0.02, 0.2), "10% fewer errors [2%, 18%]"),
        (part(ERRORS), found(-0.1, -0.3, 0.1), "11% more errors [35% more, 10% fewer]"),
        (part(ERRORS), found(-0.4, -0.5, -0.3), "49% more errors [35%, 65%]"),
        (
            part(ERRORS, "greater"),
            found(2.2, 0.5, 3),
            "9.03 times the errors [65% more, 20.1 times]",
        ),
        (part(ERRORS), found(0.004, None, None), "0.4% fewer errors [no interval]"),
        (
            part(RATE, "greater"),
            found(0.5, 0.25, None, "at least"),
            "at least 3.16 times the learning rate [1.78, no limit]",
        ),
        (part(TIME), found(math.log(2.5), 0.4, 1.0), "60% fewer steps [33%, 63%]"),
        (
            part(TIME),
            found(math.log(1.5), math.log(1.5), None, "at least"),
            "at least 33% fewer steps [33%, no limit]",
        ),
        (
            part(TIME),
            found(-0.3, -0.3, None, "at least"),
            "at most 35% more steps [35%, no limit]",
        ),
        (
            part(TIME),
            found(None, None, None, "not at all"),
            "an effect that nothing bounds [no interval]",
        ),
        (
            part("figures.value", "greater", arguments={"metric": "accuracy", "times": 100}),
            found(97.344, 97.1, 97.6),
            "97.34% [97.10%, 97.60%]",
        ),
        (
            part("figures.change", arguments={"metric": "a", "against": "b", "times": 100}),
            found(82.5, 80, 85),
            f"{MINUS}82.50 points [{MINUS}85.00, {MINUS}80.00]",
        ),
        (
            part("shadow_gap.shadow_gap", "greater"),
            found(10.5, 9, 12),
            "+10.50 points of accuracy [+9.00, +12.00]",
        ),
        (
            part("depth.slope_per_doubling"),
            found(0.105, 0.02, 0.2),
            "10% lower error ratio per doubling [2%, 18%]",
        ),
        (
            part("figures.difference", arguments={"metric": "parameters", "times": 1}),
            found(384, 384, 384),
            f"{MINUS}384 weights [{MINUS}384, {MINUS}384]",
        ),
        # a user's own, whose author says nothing: a bare number
        (part(BARE, "greater"), found(1234.5, 0.5, 2000), "1,234 [0.5, 2,000]"),
    ],
)
def test_an_effect_reads_in_its_own_units(of: Part, estimate: Estimate, words: str) -> None:
    assert units.effect(of, estimate, ACCURACY).replace(TIE, " ") == words


def test_an_error_reads_in_the_words_of_its_task() -> None:
    error = {"noun": "squared error", "less": "less", "more": "more"}
    words = Task.parse(TASK | {"score": "R2", "error": error})
    estimate = found(0.105, 0.02, 0.2)
    assert units.value(part(ERRORS), estimate, words) == "10% less squared error"
    assert units.value(part("shadow_gap.shadow_gap"), estimate, words).endswith("points of R2")
    assert units.value(part(TIME), estimate, words) == "10% fewer steps"  # no word of the task's


def test_the_failures_of_a_slope_are_points_per_doubling() -> None:
    judged = FailureJudgement(
        estimate=found(-0.25, -0.5, 0.0),
        verdict=plain_verdict("supported"),
        mcnemar=None,
        more=1,
        fewer=4,
    )
    shown = claims_words.failures(part("depth.slope_per_doubling"), judged).replace(TIE, " ")
    assert shown == ("+25.00 [0.00, +50.00] points per doubling (more in 4 seeds, fewer in 1)")


def test_points_are_treatment_minus_control_whatever_the_claim_asserts() -> None:
    # `oriented` turned them for a claim of less errors: 1.2 points more accuracy came as -1.2.
    turned = units.points(part(ERRORS), found(-1.2, -2, -0.5))
    assert turned is not None
    assert (turned.value, turned.low, turned.high) == (1.2, 0.5, 2)
    kept = units.points(part(ERRORS, "greater"), found(-80, -81, -79))
    assert kept is not None
    assert kept.value == -80


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (DIRECTION, "beyond 10% fewer errors, refuted if beyond 11% more errors"),
        ({"kind": "amount", "amount": 0.51, "margin": 0.1}, "claimed are 40% fewer errors"),
        ({"kind": "equivalence", "margin": 0.1}, "between 11% more errors and 10% fewer errors"),
        ({"kind": "band", "low": 0.0, "high": 0.2, "margin": 0.1}, "claimed 0.0% more errors to"),
        (
            {"kind": "exact", "value": 384.0, "tolerance": 0.0, "asserts": "within"},
            "supported if every value is exactly 384, else refuted",
        ),
        (
            {"kind": "exact", "value": 0.0, "tolerance": 1e-4, "asserts": "beyond"},
            "supported if some value is not within 0.0001 of 0, else refuted",
        ),
    ],
)
def test_a_rule_reads_in_the_units_of_its_effect(rule: dict[str, Any], words: str) -> None:
    assert words in claims_words.rule(part(ERRORS, rule=rule), ACCURACY)


def test_whole_numbers_in_a_row_are_a_range() -> None:
    assert ranges((0, 1, 2, 3, 101, 102)) == "0 to 3, 101 and 102"
    assert ranges((5, 3, 4, 9)) == "3 to 5 and 9"
    assert ranges(()) == "none"


def test_sides_name_their_settings() -> None:
    control = {"arm": "none", "optimizer.learning_rate": 0.001}
    epsilon = {"norm.epsilon": 0.01}
    one = part(ERRORS, treatment=epsilon, control=control, where={"seed": [1, 2, 3, 4]})
    assert claims_words.compared(one) == (
        "epsilon 0.01 against none with learning_rate 0.001, at seed 1 to 4"
    )
    two = part(ERRORS, treatment=epsilon, control={"optimizer.epsilon": 0.1})
    assert claims_words.compared(two) == "norm.epsilon 0.01 against optimizer.epsilon 0.1"
    assert claims_words.compared(part(ERRORS, control=None)) == "batch"


# --- the answer


def with_words(words: dict[str, Word], **judgement: Any) -> Summary:
    """The made-up analysis with the verdicts given by claim, all others not tested."""

    def judged(figures: ClaimFigures) -> ClaimFigures:
        word = words.get(figures.claim.id, "not tested here")
        update = {
            "verdict": plain_verdict(word, "why" if word == "inconclusive" else None),
            "as_expected": None if word == "not tested here" else word == figures.claim.expected,
            "disagrees": False,
            **(judgement if figures.claim.id in words else {}),
        }
        changed = figures.judgement.model_copy(update=update)
        return figures.model_copy(update={"judgement": changed})

    summary = fake_analysis()
    return with_figures(summary, Claims, claims=tuple(map(judged, summary.of(Claims).claims)))


def lead(summary: Summary) -> Lead:
    (block,) = answer.section(summary).blocks
    assert isinstance(block, Lead)
    return block


def test_the_first_sentence_counts_verdicts_and_leaves_controls_out() -> None:
    words: dict[str, Word] = {
        "T2": "refuted",
        "T3": "supported",
        "T4": "supported",
        "T5": "no practical difference",
        "T6": "inconclusive",
        "C2": "supported",
    }
    assert lead(with_words(words)).sentences == (
        "At this scale, of 5 claims about normalization 2 came out supported, 1 refuted, 1 without "
        "a practical difference and 1 inconclusive; 18 more are not tested here.",
    )


def test_a_profile_that_tests_no_claim_speaks_of_none() -> None:
    found = lead(with_words({}))
    assert not [line for line in found.sentences if "claim" in line]
    assert found.findings == ()


def test_a_profile_of_maps_alone_says_what_they_tell() -> None:
    mapped = with_figures(with_words({}), Tuned, arms=(), comparisons=())
    sentences = lead(mapped).sentences
    assert len(sentences) == len(mapped.of(Maps).maps) > 0
    assert all(" seeds: tells " in each for each in sentences)


def test_conclusive_claims_are_findings_headline_claims_first() -> None:
    found = lead(with_words({"T4": "supported", "T3": "refuted", "T7": "inconclusive"})).findings
    assert [(each.claim, each.mark.word) for each in found] == [
        ("T3", "refuted"),
        ("T4", "supported"),
    ]


def test_a_finding_tells_the_effect_of_a_part_with_the_same_verdict() -> None:
    summary = fake_analysis()
    (claim,) = (each for each in summary.of(Claims).claims if each.claim.id == "T4")
    first, second = claim.judgement.parts
    refuted = second.model_copy(update={"verdict": plain_verdict("refuted")})
    judgement = claim.judgement.model_copy(
        update={"verdict": plain_verdict("refuted"), "parts": (first, refuted)}
    )
    changed = claim.model_copy(update={"judgement": judgement})
    (finding,) = lead(with_figures(summary, Claims, claims=(changed,))).findings
    assert finding.effect.startswith("steps to 90%, CNN: ")
    assert finding.effect.endswith("]")


def test_a_disagreement_between_statistics_is_said_in_the_headline() -> None:
    other = {"disagrees": True, "other": plain_verdict("refuted")}
    _, sentence = lead(with_words({"T3": "supported"}, **other)).sentences
    assert sentence == (
        "The moving statistics, which a user gets, and statistics recalibrated over training "
        "examples disagree on T3 (supported with recalibrated, refuted with moving ones)."
    )


def test_undecided_claims_are_named_with_the_seeds_that_would_settle_them() -> None:
    needed = plain_verdict("inconclusive", "why", needed=Settling(1234, 40, None))
    after = lead(with_words({"T6": "inconclusive"}, verdict=needed)).after
    assert after[0] == (
        "Undecided, with the seeds that would settle them: "
        "T6, about 1,234 seeds (40 to more than can be said)."
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("supported", "no practical difference"),
            "T4 holds in part: 1 of its 2 parts is supported, 1 without a practical difference.",
        ),
        (("supported", "inconclusive"), "Undecided: T4."),
    ],
)
def test_a_claim_whose_parts_all_came_out_is_not_undecided(
    words: tuple[Word, Word], said: str
) -> None:
    summary = fake_analysis()
    (claim,) = (each for each in summary.of(Claims).claims if each.claim.id == "T4")
    parts = tuple(
        part.model_copy(update={"verdict": plain_verdict(word)})
        for part, word in zip(claim.judgement.parts, words, strict=True)
    )
    judgement = claim.judgement.model_copy(
        update={"verdict": plain_verdict("inconclusive"), "parts": parts}
    )
    changed = claim.model_copy(update={"judgement": judgement})
    assert lead(with_figures(summary, Claims, claims=(changed,))).after[0] == said


def test_a_control_that_fails_takes_every_verdict_s_credit() -> None:
    summary = fake_analysis()
    claims = tuple(
        each.model_copy(update={"control": each.control.model_copy(update={"passed": False})})
        if each.claim.id == "C2" and each.control
        else each
        for each in summary.of(Claims).claims
    )
    failing = lead(with_figures(summary, Claims, claims=claims)).after
    assert any("control C2 did not come out" in line for line in failing)
    assert any("All 3 controls" in line for line in lead(summary).after)


def test_a_screening_says_so_and_a_full_profile_does_not() -> None:
    summary = fake_analysis()
    assert screening(summary) == (
        "This is a screening: a claim is judged from 5 seeds up where the claims' files ask "
        "for 8 to 20; each row counts its own. It says what to measure next and settles nothing."
    )
    full = summary.analysis.model_copy(update={"minimum": None})
    assert screening(summary.model_copy(update={"analysis": full})) == ""


def test_the_widest_gap_is_told_at_keras_s_momentum() -> None:
    summary = fake_analysis()
    sentence = deployed.gap(summary)
    assert "moving averages at momentum 0.99" in sentence
    # By hand from the record: the largest difference over steps of both models' lines.
    gaps = {}
    for each in summary.of(Gaps).trajectories:
        lines = {line.momentum if line.kind == "moving" else line.kind: line for line in each.lines}
        for step, ours, theirs in zip(
            each.steps, lines["batch"].points, lines[0.99].points, strict=True
        ):
            if ours is not None and theirs is not None:
                gaps[ours.value - theirs.value] = (each.place.model, step)
    model, step = gaps[max(gaps)]
    assert sentence.startswith(f"After {step} steps of the same training, the {model} on mnist_5k")
    [widest] = (each for each in summary.of(Gaps).trajectories if each.place.model == model)
    lower = {
        line.momentum: line.values[widest.steps.index(step)]
        for line in widest.lines
        if line.momentum is not None and line.momentum < 0.99
    }
    best = max(lower, key=lambda momentum: lower[momentum] or 0.0)
    assert f"at momentum 0.99 ({lower[best]:.1%} at {best:g});" in sentence


def with_gains(gains: dict[float, list[tuple[float, float, float]]]) -> Summary:
    """Return an analysis of one trajectory, whose averages are so far below recalibrated ones."""
    first = fake_analysis().of(Gaps).trajectories[0]
    lines = tuple(
        Line(
            kind="moving",
            momentum=momentum,
            points=tuple(found(0.9, 0.8, 1.0) for _ in told),
            gains=tuple(found(*each) for each in told),
        )
        for momentum, told in gains.items()
    )
    bare = Line(
        kind="batch", momentum=None, points=tuple(found(0.9, 0.8, 1.0) for _ in lines), gains=()
    )
    lines = (bare, *lines)
    steps = (20, 100, 300)
    trajectory = first.model_copy(update={"steps": steps, "lines": lines})
    return with_figures(fake_analysis(), Gaps, trajectories=(trajectory,))


def test_how_many_steps_are_enough_is_told_and_what_to_do_before() -> None:
    slow = [(0.3, 0.2, 0.4), (0.05, 0.01, 0.09), (0.002, -0.001, 0.005)]
    quick = [(0.02, 0.01, 0.03), (0.001, -0.004, 0.006), (0.001, -0.004, 0.006)]
    assert settled(with_gains({0.9: quick, 0.99: slow})) == (
        "Where you use batch norm in a run of under 300 steps at momentum 0.99 (PyTorch's 0.01), "
        "recalibrate its averages: compute means and variances again over training examples once "
        "it is trained, or set momentum 0.9 (PyTorch's 0.1) instead. That adds, in points of "
        f"accuracy, mlp: +5.00 [+1.00,{TIE}+9.00] after 100 steps "
        f"(+0.10 [{MINUS}0.40,{TIE}+0.60] at 0.9), under one from 300 on."
    )


def test_averages_that_never_settled_are_told_as_such() -> None:
    slow = [(0.3, 0.2, 0.4), (0.05, 0.01, 0.09), (0.02, 0.005, 0.03)]
    assert settled(with_gains({0.99: slow})) == (
        "Where you use batch norm in a run as here at momentum 0.99 (PyTorch's 0.01), recalibrate "
        "its averages: compute means and variances again over training examples once it is "
        f"trained. That adds, in points of accuracy, mlp: +2.00 [+0.50,{TIE}+3.00] after 300 "
        "steps, and not surely under one by 300."
    )


def test_a_lower_momentum_that_is_no_better_is_not_advised() -> None:
    slow = [(0.3, 0.2, 0.4), (0.05, 0.01, 0.09), (0.002, -0.001, 0.005)]
    noisy = [(0.3, 0.2, 0.4), (0.08, 0.04, 0.12), (0.08, 0.04, 0.12)]
    said = settled(with_gains({0.5: noisy, 0.99: slow}))
    assert "instead" not in said
    assert "at 0.5" not in said


def test_seeds_that_all_agree_have_settled_without_an_interval() -> None:
    summary = with_gains({0.99: [(0.3, 0.2, 0.4), (0.05, 0.01, 0.09), (0.0, -0.1, 0.1)]})
    [trajectory] = summary.of(Gaps).trajectories
    line = trajectory.moving
    assert line is not None
    last = line.gains[-1]
    assert last is not None
    same = last.model_copy(update={"low": None, "high": None, "spread": 0.0})
    lines = (line.model_copy(update={"gains": (*line.gains[:-1], same)}),)
    changed = trajectory.model_copy(update={"lines": lines})
    assert ", under one from 300 on." in settled(
        with_figures(summary, Gaps, trajectories=(changed,))
    )


def test_averages_that_lose_nothing_for_sure_ask_for_nothing() -> None:
    slow = [(0.02, -0.01, 0.05), (0.001, -0.02, 0.02), (0.001, -0.004, 0.006)]
    assert settled(with_gains({0.99: slow})) == ""


# --- the table


def test_the_score_counts_what_came_out_as_expected() -> None:
    summary = with_words({"T3": "supported", "T5": "refuted", "T6": "refuted"})
    claims = [each for each in summary.of(Claims).claims if each.claim.control is None]
    assert verdicts.score(claims) == (
        "2 of 3 verdicts came out as expected, in the words that each claim's file had before the "
        "runs; not T5."
    )


def test_each_part_of_a_claim_has_a_line_with_its_own_verdict() -> None:
    (table,) = (b for b in verdicts.section(fake_analysis()).blocks if isinstance(b, Verdicts))
    rows = {row.claim: row for row in table.rows}
    assert [line.mark and line.mark.word for line in rows["T14"].effects] == [
        "refuted",
        "supported",
    ]
    assert rows["T5"].effects[0].mark is None
    assert "T1" not in rows  # which the profile does not run
    assert "batch 32" in rows["T5"].settings
    assert rows["T5"].clusters == "8 (5)"
    assert rows["T14"].clusters == "8 of 8 runs"
    assert "C1" not in rows
    assert {row.robustness for row in rows.values()} == {"one specification"}  # no further one ran


def test_a_verdict_has_a_sign_of_its_own_beside_its_word() -> None:
    signs = [mark.sign for mark in claims_words.MARKS.values()]
    assert len(set(signs)) == len(signs) == 5


@pytest.mark.parametrize(
    ("log", "base", "words"),
    [
        (found(math.log(0.8), math.log(0.75), math.log(0.9)), math.e, "0.8 [0.75, 0.9]"),
        (found(0.5, 0.25, None, "at least"), 10, "at least 3.16 [1.78, no limit]"),
        (found(1, None, None), 10, "10 [no interval]"),
        (found(None, None, None, "not at all"), 10, "not bounded [no interval]"),
        (None, 10, "missing"),
    ],
)
def test_a_multiple_is_said_from_its_logarithm(
    log: Estimate | None, base: float, words: str
) -> None:
    assert multiple(log, base=base).replace(TIE, " ") == words


def test_cells_are_named_by_what_tells_them_apart() -> None:
    def place(experiment: str, optimizer: str, size: int) -> Place:
        fields = {"experiment": experiment, "optimizer": optimizer, "batch_size": size}
        return Place.parse(fields | {"dataset": "d", "model": "m"})

    places = [place("a", "adam", 32), place("a", "sgd", 32)]
    assert [name.replace(TIE, " ") for name in short_names(places)] == [
        "d · m · adam",
        "d · m · sgd",
    ]
    places = [place("a", "adam", 2), place("b", "adam", 2)]
    assert [name.replace(TIE, " ") for name in short_names(places)] == ["a · d · m", "b · d · m"]
    assert short_names([]) == []


def test_the_answer_in_short_has_every_decision_once_in_words_and_once_in_the_table() -> None:
    summary = fake_analysis()
    text = brief(summary, "reference")
    decided = summary.of(Decisions).decided
    assert len(decided) > 5
    sentences, table = text.split("| --- |", 1)
    for each in decided:
        assert sentences.count(markdown_text(each.question)) == 1, each.question
        assert table.count(f"\n| {markdown_text(each.question)} |") == 1, each.question
    claims = [each for each in summary.of(Claims).claims if not each.claim.control]
    assert markdown_text(answer.tally(claims)) in text
    assert "(reference/report.md)" in text
