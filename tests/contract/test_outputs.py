"""What a model says under each kind of statistics: computed once, and as if computed anew."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest


@pytest.fixture
def trained(asked, folder):
    """A trained model with batch norm, under measurement, and its trial."""
    from pipeline.training import engine

    trial = asked("norm=batch", "epochs=2", "probes.recalibration_examples=64")
    engine.train(trial, folder)
    data = engine._resident(folder, trial.data_digest)
    return trial, engine.engine_for(trial, data, 10).subject


def test_what_a_broken_pass_left_behind_is_nothing_to_the_next_trial(asked, folder):
    """A pass by batches sets momentum to 0 meanwhile; one that raises does not put it back."""
    from pipeline.training import engine

    trial = asked("norm=batch", "epochs=2", "probes.recalibration_examples=64")
    before = engine.train(trial, folder).result
    made = engine.engine_for(trial, engine._resident(folder, trial.data_digest), 10)
    for layer in made._norms:
        layer.averages.take_all()
    assert made._norms
    assert engine.train(trial, folder).result == before


def test_each_kind_of_statistics_is_computed_once(trained, folder):
    from pipeline.training.outputs import Outputs

    trial, subject = trained
    passes = Counter()

    def counted(examples):
        passes["infer", len(examples)] += 1
        return subject.infer(examples)

    said = Outputs(trial, folder, replace(subject, infer=counted))
    for _ in range(2):
        for split in ("validation", "test"):
            said.moving(split)
            said.recalibrated(split)
        said.batch()
    assert passes == {("infer", 100): 4}


def test_outputs_are_those_of_the_statistics_they_are_named_for(trained, folder):
    """By a model that was put there by hand, and nothing of it stays."""
    from pipeline.training.evaluation import averages_of, kept, population
    from pipeline.training.outputs import RECALIBRATION, Outputs
    from pipeline.training.setting import arrays, permutation, rows

    trial, subject = trained
    before = [variable.numpy() for variable in subject.model.variables]
    said = Outputs(trial, folder, subject)
    found = said.recalibrated("validation"), said.batch(), said.moving("validation")
    after = [variable.numpy() for variable in subject.model.variables]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))

    examples, _ = arrays(folder, trial.data_digest, "validation")
    chosen = permutation(trial.seed, RECALIBRATION, trial.examples)[:64]
    by_batch = subject.by_batch(examples[said.shuffled], trial.batch_size).outputs
    training, _ = rows(folder, trial.data_digest, "train", chosen)
    statistics = population(subject.by_batch(training, 64).statistics)
    with kept(subject.model.non_trainable_variables):
        for average, value in zip(averages_of(subject.layers), statistics, strict=True):
            average.assign(value)
        recalibrated = subject.infer(examples)
    expected = recalibrated, by_batch, subject.infer(examples)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.allclose(found[0], found[2])


def test_the_last_epochs_values_are_the_results(asked, folder):
    from pipeline.training import engine

    trial = asked("norm=batch", "epochs=3", "probes.statistics_curves=[batch,recalibrated]")
    result = engine.train(trial, folder).result
    curves, metrics = result.curves, result.metrics
    assert metrics["validation_loss"] == curves["validation_loss"][-1]
    assert metrics["validation_score"] == curves["validation_score"][-1]
    last = curves["validation_score_recalibrated"][-1]
    assert metrics["validation_score_recalibrated"] == last
    assert metrics["gap_batch"] == curves["validation_score_batch"][-1]
