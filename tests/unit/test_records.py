"""Questions and answers: identity is content."""

import pytest
from pydantic import ValidationError

from pipeline.records import Component, Result, Trial, canonical_json

QUESTION = {
    "dataset": "digits",
    "data_digest": "d" * 64,
    "model": {"target": "models.mlp.build", "arguments": {"width": 8}},
    "norm": {"layer": None, "placement": "before"},
    "optimizer": {"target": "optimizers.Adam", "arguments": {"learning_rate": 0.001}},
    "batch_size": 32,
    "epochs": 2,
    "examples": 100,
    "seed": 0,
    "device": "cpu",
    "split": "validation",
    "probes": {"recalibration_examples": 100, "recalibration_batch_size": 50},
    "environment": {
        "tensorflow": "1",
        "keras": "1",
        "numpy": "1",
        "processor": "p",
        "threads": 1,
        "code": "c",
    },
}


def test_the_same_question_has_the_same_key_however_it_was_written():
    one = Trial.parse(QUESTION)
    other = Trial.parse(dict(reversed(QUESTION.items())))
    assert one.key == other.key
    assert hash(one) == hash(other)


@pytest.mark.parametrize("field", ["seed", "epochs", "batch_size", "examples"])
def test_another_question_has_another_key(field):
    assert Trial.parse(QUESTION).key != Trial.parse(QUESTION | {field: 7}).key


def test_a_whole_number_given_for_a_float_is_the_same_question():
    whole = Component.parse({"target": "a.b", "arguments": {"learning_rate": 1}})
    float_ = Component.parse({"target": "a.b", "arguments": {"learning_rate": 1.0}})
    assert canonical_json(whole.plain()) == canonical_json(float_.plain())


def test_a_record_is_frozen_and_closed():
    trial = Trial.parse(QUESTION)
    with pytest.raises(ValidationError):
        trial.seed = 1
    with pytest.raises(ValidationError):
        Trial.parse(QUESTION | {"sead": 1})


def test_a_result_whose_loss_is_not_finite_is_diverged():
    answer = {"steps": 4, "metrics": {}, "weights_digest": "w"}
    curves = {"training_loss": [0.5, None], "validation_accuracy": [0.1, 0.1]}
    assert Result.parse(answer | {"curves": curves}).status == "diverged"
    assert Result.parse(answer | {"curves": curves | {"training_loss": [0.5, 0.4]}}).status == "ok"


def test_a_number_that_is_not_finite_has_no_canonical_text():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"loss": float("nan")})
