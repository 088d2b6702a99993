"""How many more or fewer errors, and never more of them than there can be."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from questions import TASK

from pipeline.findings.decisions.readings import _hundred
from pipeline.findings.tuned.words import effect
from pipeline.records import Component, ErrorWords
from pipeline.statistics.intervals import Estimate
from pipeline.tasks.scoring import scoring_of
from pipeline.wording import MISSING, TIE, counted


def test_a_ratio_of_errors_is_said_in_the_task_s_words() -> None:
    logs = {"value": math.log(0.88), "low": math.log(0.8), "high": math.log(1.3)}
    found = Estimate.parse(
        {"known": "exactly", "level": 0.95, "spread": 1.0, "clusters": 8, "blocks": 8}
        | {"method": "t"}
        | logs
    )
    wrong = ErrorWords(noun="errors", less="fewer", more="more")
    assert effect(found, wrong).replace(TIE, " ") == "12% fewer errors [20% fewer, 30% more]"
    squared = ErrorWords(noun="mean squared error", less="smaller", more="larger")
    assert effect(found, squared).startswith("12% smaller mean squared error [")
    assert effect(None, wrong) == MISSING


def test_no_more_than_a_hundred_of_a_hundred_are_wrong() -> None:
    pairs = pd.DataFrame(
        {
            "seed": [1, 2],
            "validation_error": [0.1, 0.1],
            "validation_score": [0.9, 0.9],
            "validation_error_control": [0.2, 0.2],
            "validation_score_control": [0.8, 0.8],
            "validation_examples": [10**9, 10**9],  # so many that a log needs no correction
            "validation_examples_control": [10**9, 10**9],
            "task": [scoring_of(Component.parse(TASK["scoring"]))] * 2,
            "failed": [False, False],
            "failed_control": [False, False],
        }
    )
    ratio = Estimate(
        value=math.log(2),
        known="exactly",
        low=-1000.0,
        high=1000.0,
        level=0.95,
        spread=1.0,
        clusters=2,
        blocks=2,
        method="t",
    )
    found = _hundred(pairs, ratio, "validation_error")
    assert found is not None
    assert found.fewer.value == pytest.approx(10, abs=1e-5)  # 20 of 100 halved
    assert found.fewer.low == pytest.approx(20 - 100, abs=1e-5)
    assert found.fewer.high == pytest.approx(20, abs=1e-5)


def test_nouns_have_their_plural() -> None:
    assert [counted(n, noun) for n, noun in ((1, "search"), (8, "search"), (8, "seed"))] == [
        "1 search",
        "8 searches",
        "8 seeds",
    ]
