"""Checks by their arithmetic: facts in, findings out, without TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pipeline.diagnosis.checks import findings_of
from pipeline.diagnosis.checks.with_data import findings_in
from pipeline.diagnosis.diagnosis import Diagnosis
from pipeline.diagnosis.facts import LayerFacts, Surroundings
from pipeline.diagnosis.finding import Finding, by_harm
from pipeline.diagnosis.measured import Drift, Measured, Scored
from pipeline.diagnosis.sections import alike, sections, where


def facts(**values) -> LayerFacts:
    """A healthy norm of four channels, but for what is said."""
    healthy = {
        "path": "norm",
        "axis": 3,
        "rank": 4,
        "positions": 64,
        "momentum": 0.99,
        "epsilon": 1e-3,
        "gamma": np.array([0.9, 1.0, 1.1, 1.2]),
        "beta": np.array([0.1, 0.0, 0.2, -0.1]),
        "moving_mean": np.array([0.5, -0.5, 0.1, 0.2]),
        "moving_variance": np.array([1.0, 2.0, 0.5, 0.7]),
    }
    return LayerFacts(**(healthy | values))


def told(**values) -> Measured:
    scores = {name: Scored(score=0.9, loss=0.3) for name in ("moving", "batch", "recalibrated")}
    drift = Drift(layer="norm", mean=2.0, typical=1.5, deviation=1.2, alone=0.3, without=0.1)
    figures = {
        "word": "share right",
        "examples": 500,
        "batch_size": 32,
        "uncertain": 0.01,
        "sizes": (),
        "drifts": (drift,),
        "mates_in_training": 0.2,
        "mates_at_inference": 0.0,
        "moved_by_inference": (),
        "moved_by_validation": (),
    }
    return Measured(**(scores | figures | values))


def codes(*layers: LayerFacts, **known) -> list[str]:
    return [each.code for each in findings_of(layers, Surroundings(**known))]


def test_a_healthy_norm_has_nothing_named():
    assert codes(facts()) == []
    assert list(findings_in(told())) == []


def test_settling_needs_the_steps_that_the_momentum_takes_to_forget_99_percent():
    """0.99 to the power of 459 is 0.00992, of 458 is 0.01002."""
    assert codes(facts(), steps=459) == []
    [found] = findings_of([facts()], Surroundings(steps=458))
    assert found.numbers["needed"] == 459
    assert found.rank == "warning"
    [found] = findings_of([facts()], Surroundings(steps=48))
    assert found.numbers["left"] == pytest.approx(0.99**48)
    assert found.rank == "harm"
    assert codes(facts(is_trainable=False), steps=1) == []
    assert codes(facts()) == []  # nobody told how many steps there were


def test_the_momentum_that_is_proposed_would_have_settled():
    for steps in (10, 48, 200):
        [found] = findings_of([facts()], Surroundings(steps=steps))
        proposed = float(found.line.partition("momentum=")[2].partition(")")[0])
        assert proposed**steps <= 0.01


@pytest.mark.parametrize(("below", "says"), [(0, []), (1, ["note"]), (2, ["warning"])])
def test_a_norm_is_switched_off_by_the_share_of_variances_below_ten_epsilon(below, says):
    variance = np.where(np.arange(4) < below, 0.0099, 0.0101)
    found = findings_of([facts(moving_variance=variance)], Surroundings())
    assert [each.rank for each in found] == says


def test_what_trains_too_little_is_told_by_the_batch_size():
    assert codes(facts(positions=1), batch_size=32) == []
    assert codes(facts(positions=1), batch_size=4) == ["few-values-per-channel"]
    assert codes(facts(positions=1), batch_size=1) == ["one-value-per-channel"]
    assert codes(facts(positions=49), batch_size=1) == []


def test_a_gap_is_the_averages_if_population_statistics_bring_the_score_back():
    lost = Scored(score=0.5, loss=2.0)
    [found] = findings_in(told(moving=lost))
    assert (found.code, found.layer) == ("averages-ruin-inference", "norm")
    assert found.numbers["blame"] == pytest.approx(0.2)  # the mean of 0.3 and 0.1
    [found] = findings_in(told(moving=lost, recalibrated=lost))
    assert found.code == "relies-on-its-batch"


def test_a_gap_within_noise_or_five_points_is_none():
    assert not list(findings_in(told(moving=Scored(score=0.86, loss=0.3))))
    far = told(moving=Scored(score=0.7, loss=0.3), uncertain=0.1)
    assert not list(findings_in(far))


def test_findings_stand_by_harm_and_those_alike_stand_together():
    def made(rank, layer):
        return Finding(
            layer=layer, code="a-code", rank=rank, says="s", numbers={}, why="w", line="l"
        )

    found = by_harm([made("note", "a"), *(made("harm", name) for name in "bcdefg")])
    assert [each.rank for each in found] == ["harm"] * 6 + ["note"]
    (first, more), _ = alike(found)
    assert where(first, more) == "b, c, d, e and 2 more"


def test_a_page_has_what_was_found_and_json_keeps_it():
    findings = tuple(findings_of([facts(momentum=0.0)], Surroundings()))
    made = Diagnosis(
        form=1,
        model="m",
        norms={"BatchNormalization": 1},
        findings=findings,
        measured=told(),
        mended=None,
    )
    assert [each.name for each in sections(made)] == ["findings", "figures"]
    assert Diagnosis.parse(json.loads(json.dumps(made.plain()))) == made
    assert made.summary == "m (1 BatchNormalization): 1 of rank harm."


def test_checks_need_no_tensorflow():
    script = (
        "import sys, pipeline.diagnosis.checks, pipeline.diagnosis.sections\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
