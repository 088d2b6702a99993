"""What to do: from readings to a decision, and situations as files."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import get_args

import pytest
from fake_analysis import fake_analysis, with_figures

from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal
from pipeline.findings.answer.section import section as lead
from pipeline.findings.decisions.deployed import Faster, is_lost
from pipeline.findings.decisions.figures import Figures
from pipeline.findings.decisions.readings import standing_of, standing_of_ratio
from pipeline.findings.decisions.rule import (
    USES,
    Decision,
    Standing,
    decide,
    decide_with_change,
    meet,
)
from pipeline.findings.decisions.section import section
from pipeline.findings.verdicts.figures import Figures as Claims
from pipeline.page.blocks import Decisions, Listing, Text
from pipeline.statistics.intervals import Estimate

STANDINGS: tuple[Standing, ...] = get_args(Standing)
# by how the norm stands against none (rows) and against another norm (columns): better, worse,
# same, leaning to better, leaning to worse, unclear, untested, not asked
OTHER: Decision = "use the other instead"
OPEN: Decision = "can't tell yet"
TABLE: dict[str, tuple[Decision, ...]] = {
    "better": ("use it", OTHER, "use it", *("use it rather than none",) * 4, "use it"),
    "worse": ("leave it out",) * 8,
    "same": (
        "makes no difference",
        OTHER,
        "makes no difference",
        *("no different from none",) * 4,
        "makes no difference",
    ),
    "leans better": (
        "rather use it",
        OTHER,
        *("rather use it",) * 2,
        OPEN,
        *("rather use it",) * 3,
    ),
    "leans worse": ("rather leave it out", OTHER, *("rather leave it out",) * 6),
    "unclear": (OPEN, OTHER, *(OPEN,) * 6),
    "untested": (OPEN, OTHER, *(OPEN,) * 6),
}


@pytest.mark.parametrize("none", STANDINGS)
def test_every_pair_of_readings_has_its_decision(none: Standing) -> None:
    assert tuple(decide(none, other) for other in (*STANDINGS, None)) == TABLE[none]


def test_a_decision_never_says_more_than_its_weakest_reading() -> None:
    for none, other in itertools.product(STANDINGS, (*STANDINGS, None)):
        decision = decide(none, other)
        if decision == "use it":
            assert none == "better"
            assert other in ("better", "same", None)
        if decision == "makes no difference":
            assert none == "same"
            assert other in ("better", "same", None)
        if decision == "leave it out":
            assert none == "worse"
        if decision == "rather use it":
            assert none == "leans better"
        if decision == "rather leave it out":
            assert none == "leans worse"
        if decision == "use the other instead":
            assert other == "worse"


def test_a_change_is_asked_for_only_where_the_norm_is_no_use_without() -> None:
    pairs = list(itertools.product(STANDINGS, (*STANDINGS, None)))
    for as_is, changed in itertools.product(pairs, pairs):
        decision, needs = decide_with_change(as_is, changed)
        plain, other = decide(*as_is), decide(*changed)
        assert needs == (plain not in USES and other in USES)
        assert decision == (other if needs else plain)


@pytest.mark.parametrize(
    ("standings", "together"),
    [
        ([], "untested"),
        (["untested", "untested"], "untested"),
        (["better", "untested"], "better"),
        (["same", "same"], "same"),
        (["better", "same"], "unclear"),
        (["better", "worse"], "unclear"),
        (["worse", "unclear"], "unclear"),
        (["better", "leans better"], "unclear"),
    ],
)
def test_readings_say_together_what_all_of_them_say(
    standings: list[Standing], together: Standing
) -> None:
    assert meet(standings) == together


def test_a_batch_of_two_is_decided_by_both_comparisons() -> None:
    summary = fake_analysis()  # in which batch norm loses at tiny batches
    found = {each.name: each for each in summary.of(Figures).decided}
    small = found["batches-of-2"]
    assert small.decision == "leave it out"
    (reading,) = small.other_readings
    assert reading.errors is not None
    assert reading.estimate is not None
    assert reading.errors.norm > reading.errors.other
    assert reading.errors.fewer.value == pytest.approx(reading.errors.other - reading.errors.norm)
    assert reading.errors.fewer.high is not None
    assert reading.errors.fewer.high < 0


def test_the_short_answer_says_each_situation_once_with_its_decision() -> None:
    blocks = section(fake_analysis()).blocks
    (table,) = (block for block in blocks if isinstance(block, Decisions))
    *_, short = (block for block in blocks if isinstance(block, Listing))
    said = " ".join(short.items).lower()
    assert all(said.count(row.question.lower()) == 1 for row in table.rows)
    for row in table.rows:
        (line,) = (line for line in short.items if row.question in line)
        assert line.lower().startswith(row.mark.word.partition(",")[0])
    assert blocks.index(short) < blocks.index(table)


def test_what_a_screening_is_worth_stands_before_the_first_decision() -> None:
    summary = fake_analysis()
    blocks = section(summary).blocks
    first = next(block for block in blocks if isinstance(block, Text) and "Measured" in block.text)
    (table,) = (block for block in blocks if isinstance(block, Decisions))
    assert blocks.index(first) < blocks.index(table)
    assert first.text.startswith("Measured on mnist")
    assert first.text.endswith("It says what to measure next and settles nothing.")
    assert first.text.count("screening") == 1
    answer = " ".join(str(block) for block in lead(summary).blocks)
    assert "screening" not in answer


def test_a_situation_says_what_it_is_held_against_and_what_to_do() -> None:
    summary = fake_analysis()
    first, *rest = summary.of(Figures).decided
    asked = {"none": "averages that move", "use": "freeze it", "leave": "let it learn"}
    for decision, said in (
        ("use it", "freeze it"),
        ("leave it out", "let it learn"),
        ("no different from none", "no different from averages that move"),
    ):
        found = first.model_copy(update={**asked, "decision": decision, "changed": False})
        changed = with_figures(summary, Figures, decided=(found, *rest))
        (table,) = (each for each in section(changed).blocks if isinstance(each, Decisions))
        assert table.rows[0].mark.word == said
        assert table.none_name == "no norm"
        assert table.rows[0].none_name == "averages that move"


def test_errors_in_a_hundred_are_said_in_both_arms() -> None:
    (table,) = (each for each in section(fake_analysis()).blocks if isinstance(each, Decisions))
    (row,) = (each for each in table.rows if "of 2 examples (MLP)" in each.question)
    assert "more errors in 100 [" in row.other[0].text
    assert " instead of " in row.other[0].text
    assert "batch 2" in row.settings


@pytest.mark.parametrize(
    ("trained", "kept", "lost"),
    [(0.2, -0.1, True), (0.2, None, True), (0.2, 0.1, False), (-0.1, -0.2, False)],
)
def test_deployed_badly_is_said_where_it_is_so(
    trained: float, kept: float | None, *, lost: bool
) -> None:
    def limit(low: float | None) -> Estimate:
        return Estimate(
            value=0.3,
            known="exactly",
            low=low,
            high=0.5,
            level=0.95,
            spread=None,
            clusters=10,
            blocks=10,
            method="ranks",
        )

    found = Faster(claim="T2", part="steps", moving=limit(kept), recalibrated=limit(trained))
    assert is_lost(found) == lost
    assert not is_lost(None)


def test_a_situation_of_which_nothing_runs_is_left_out() -> None:
    summary = fake_analysis()  # whose tuned experiment has another name
    assert "cnn" not in {each.name for each in summary.of(Figures).decided}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return Path(shutil.copytree("conf", tmp_path / "conf"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("claim: T11", "claim: T111", "situation.against_none.0.claim names no claim"),
        ("part: error at", "part: errors at", "situation.against_other.0.part names no part of"),
        ("kind: claim", "kind: hearsay", "situation.against_none.0"),
    ],
)
def test_a_situation_names_what_is_there(conf: Path, old: str, new: str, said: str) -> None:
    file = conf / "situation" / "batches-of-2.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(Refusal) as refusal:
        compose_plan(conf, "quick")
    assert str(refusal.value).startswith(f"{file}: {said}")
    assert "\n" not in str(refusal.value)


def test_a_situation_is_added_by_a_file(conf: Path) -> None:
    text = (conf / "situation" / "deep.yaml").read_text().replace("order: 8", "order: 80")
    (conf / "situation" / "deeper.yaml").write_text(text)
    assert "deeper" in compose_plan(conf, "quick").situations


@pytest.mark.parametrize(
    ("low", "high", "standing"),
    [
        (-0.5, -0.2, "better"),
        (-0.5, -0.05, "leans better"),
        (-0.5, 0.05, "unclear"),
        (-0.05, 0.05, "same"),
        (-0.05, 0.5, "unclear"),
        (0.05, 0.5, "leans worse"),
        (0.2, 0.5, "worse"),
    ],
)
def test_an_interval_that_leaves_out_0_and_reaches_over_the_margin_leans(low, high, standing):
    """The log of a tuned arm's errors over another one's, and the same of a claim's part."""
    ratio = Estimate(
        value=(low + high) / 2,
        known="exactly",
        low=low,
        high=high,
        level=0.95,
        spread=1.0,
        clusters=9,
        blocks=9,
        method="t",
    )
    assert standing_of_ratio(ratio, 0.1) == standing
    claims = fake_analysis().of(Claims).claims
    whole = next(each for each in claims if each.claim.id == "T10").judgement.parts[0]
    word = {"better": "supported", "worse": "refuted", "same": "no practical difference"}
    verdict = whole.verdict.model_copy(
        update={
            "word": word.get(standing, "inconclusive"),
            "direction_settled": standing.startswith("leans"),
        }
    )
    turned = ratio.model_copy(update={"value": -(low + high) / 2, "low": -high, "high": -low})
    judged = whole.model_copy(update={"verdict": verdict, "estimate": turned, "failures": None})
    assert standing_of(judged, "better") == standing
    mirrored = {"better": "worse", "worse": "better", "leans better": "leans worse"}
    mirrored |= {"leans worse": "leans better"}
    assert standing_of(judged, "worse") == mirrored.get(standing, standing)
    assert standing_of(judged.model_copy(update={"failures": "some"}), "better") != "leans better"
