"""Settings beside a situation or a claim: what is said where files or a search decide."""

from __future__ import annotations

from fixed_runs import fixed_study, mapped_study

from pipeline.findings.conditions import _conditions, said
from pipeline.studies import Study


def _said(study: Study) -> str:
    found = _conditions([(study.experiment, {})], [study])
    assert found is not None
    return said(found)


def test_passes_are_said_with_the_steps_that_they_take() -> None:
    assert "2 epochs of 100 examples, 6 steps" in _said(fixed_study())


def test_steps_that_files_fix_are_no_epochs() -> None:
    text = _said(fixed_study(steps_per_epoch=5))
    assert text.endswith("10 steps on 100 examples")


def test_under_a_searched_batch_size_only_fixed_steps_are_known() -> None:
    study = mapped_study("batch", (1,))
    assert _said(study).endswith("a tuned batch size, 2 epochs of 100 examples")
    fixed = study.model_copy(update={"steps_per_epoch": 5})
    assert _said(fixed).endswith("a tuned batch size, 10 steps on 100 examples")
