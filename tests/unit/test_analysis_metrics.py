"""The headline figures that `dvc metrics` and MLflow are given."""

from __future__ import annotations

import json

import pytest
from fake_analysis import edited, fake_analysis

from pipeline.claims.rules import Exact
from pipeline.findings.metrics import metrics, metrics_text
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import Figures as Claims

INTERVAL = {"effect", "low", "high"}


@pytest.fixture(scope="module")
def summary() -> Summary:
    return fake_analysis()


def test_a_claim_of_one_part_has_its_effect_beside_its_verdict(summary):
    figures = next(each for each in summary.of(Claims).claims if each.claim.id == "T16")
    found = figures.judgement.parts[0].estimate
    assert metrics(summary)["claims"]["T16"] == {
        "verdict": figures.judgement.verdict.word,
        "effect": found.value,
        "low": found.low,
        "high": found.high,
    }


def test_where_several_parts_must_hold_each_stands_by_itself(summary):
    figures = next(each for each in summary.of(Claims).claims if each.claim.id == "T3")
    claims = metrics(summary)["claims"]
    assert claims["T3"] == {"verdict": figures.judgement.verdict.word}
    for part in figures.judgement.parts:
        assert claims[f"T3 {part.name}"] == {
            "verdict": part.verdict.word,
            "effect": part.estimate.value,
            "low": part.estimate.low,
            "high": part.estimate.high,
        }


def test_the_shape_hangs_on_the_claims_alone_and_not_on_what_came_out(summary):
    claims = metrics(summary)["claims"]
    for figures in summary.of(Claims).claims:
        parts = figures.claim.parts
        for part in parts:
            name = figures.claim.id if len(parts) == 1 else f"{figures.claim.id} {part.name}"
            own = {"departure"} if isinstance(part.rule, Exact) else INTERVAL
            assert set(claims[name]) == {"verdict"} | own
    untested = claims["T1 error"]
    assert untested == {"verdict": "not tested here", "effect": None, "low": None, "high": None}


def test_a_tuned_comparison_has_its_word_and_its_interval(summary):
    tuned = metrics(summary)["tuned"]
    found = summary.of(Tuned).comparisons
    assert list(tuned) == [each.label for each in found]
    ratio = found[0].log_error_ratio
    assert tuned[found[0].label] == {
        "reads": found[0].word,
        "log_error_ratio": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
    }
    failed = edited(summary, "findings.tuned.comparisons.0.log_error_ratio", None)
    assert set(metrics(failed)["tuned"][found[0].label].values()) == {found[0].word, None}


def test_verdicts_are_counted_by_every_word_there_is(summary):
    counts = metrics(summary)["verdicts"]
    assert list(counts) == [
        "supported",
        "refuted",
        "no practical difference",
        "inconclusive",
        "not tested here",
    ]
    assert sum(counts.values()) == len(summary.of(Claims).claims)


def test_the_text_is_the_same_for_the_same_digits_whatever_the_clock_said(summary):
    text = metrics_text(summary)
    assert json.loads(text) == metrics(summary)
    assert metrics_text(edited(summary, "findings.origins.clock.clock.wall_seconds", 1.0)) == text
