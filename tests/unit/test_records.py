"""Questions and answers: identity is content."""

import pytest
from pydantic import ValidationError
from questions import QUESTION

from pipeline.content import canonical_json
from pipeline.records import Component, Result, Trial


def test_the_same_question_has_the_same_key_however_it_was_written():
    one = Trial.parse(QUESTION)
    other = Trial.parse(dict(reversed(QUESTION.items())))
    assert one.key == other.key
    assert hash(one) == hash(other)


@pytest.mark.parametrize("field", ["seed", "epochs", "batch_size", "examples"])
def test_another_question_has_another_key(field):
    assert Trial.parse(QUESTION).key != Trial.parse(QUESTION | {field: 7}).key


def test_a_whole_number_given_for_a_float_is_the_same_question():
    def text(rate: float) -> str:
        adam = {"target": "keras.optimizers.Adam", "arguments": {"learning_rate": rate}}
        return canonical_json(Component.parse(adam).plain())

    assert text(1) == text(1.0)


@pytest.mark.parametrize("target", ["pipeline.models.mlp.build", "keras.layers.Dense"])
def test_well_known_arguments_have_ranges_where_they_are_ours_or_keras_s(target):
    own = {"width": 0.5, "scale": 2.0, "depth": (2, 2, 4), "momentum": 7}
    assert Component.parse({"target": "mine.build", "arguments": own}).arguments == own
    for name, value in own.items():
        with pytest.raises(ValidationError):
            Component.parse({"target": target, "arguments": {name: value}})


def test_a_record_is_frozen_and_closed():
    trial = Trial.parse(QUESTION)
    with pytest.raises(ValidationError):
        trial.seed = 1
    with pytest.raises(ValidationError):
        Trial.parse(QUESTION | {"sead": 1})


@pytest.mark.parametrize(
    ("losses", "status"),
    [([0.5, None], "diverged"), ([None], "diverged"), ([0.5, 0.4], "ok"), ([0.5], "pruned")],
)
def test_a_status_is_read_from_the_course_of_the_loss(losses, status):
    answer = {"steps": 4, "epochs_asked": 2, "metrics": {}, "weights_digest": "w", "kernels": {}}
    answer |= {"outcomes": {}}
    assert Result.parse(answer | {"curves": {"training_loss": losses}}).status == status


def test_a_number_that_is_not_finite_has_no_canonical_text():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"loss": float("nan")})
