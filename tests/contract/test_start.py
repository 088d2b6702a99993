"""A trial that starts from another one's weights: both trainers, the head, what does not fit."""

from importlib import import_module

import numpy as np
import pytest

from pipeline.errors import Refusal
from pipeline.training.checkpoint import digest_of, unpacked

KEY = "5eed" * 16
SHAPE = (28, 28, 1)
MOBILE = ("model=keras_application", "model.application=MobileNetV2", "model.alpha=0.35")


@pytest.fixture
def started(asked):
    """Turns overrides into a trial that starts from another one."""
    return lambda *overrides: asked(*overrides).model_copy(update={"start": KEY})


@pytest.fixture
def trained(folder):
    """Trains a trial by its own trainer."""

    def train(trial, start=None):
        trainer = import_module(f"pipeline.training.{trial.trainer}")
        return trainer.train(trial, folder, start=start)

    return train


def begun(trial, outputs, start):
    """Build a model under a seed of its own and begin; return it and what is told."""
    from pipeline.training.setting import built
    from pipeline.training.start import begin

    model = built(trial, SHAPE, outputs)
    return model, begin(trial, model, start)


def weights(trial, outputs=10):
    """Return the weights of a freshly built model, moved so that none is where it is drawn."""
    from pipeline.training.weights import weights_of

    model, _ = begun(trial, outputs, None)
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(variable + 0.5)
    return weights_of(model)


@pytest.mark.parametrize("arm", ["batch", "batch_frozen", "batch_inferring", "layer"])
def test_both_trainers_start_from_the_same_weights_and_end_with_the_same(
    arm, asked, started, trained
):
    case = (f"norm={arm}", "optimizer=sgd", "model.width=16", "batch_size=64")
    source = "layer" if arm == "layer" else "batch"
    first = trained(asked(f"norm={source}", *case[1:]))
    start = first.weights()
    assert digest_of(start) == first.result.weights_digest
    engine, fit = (
        trained(started(*case, f"trainer={name}", "seed=1"), start) for name in ("engine", "fit")
    )
    assert engine.result.weights_digest == fit.result.weights_digest
    assert engine.result.metrics == fit.result.metrics
    drawn = trained(asked(*case, "seed=1"))
    assert drawn.result.weights_digest != engine.result.weights_digest
    assert trained(started(*case, "seed=1"), start).result == engine.result


def test_a_frozen_norm_keeps_all_that_it_started_from_and_one_that_infers_its_averages(
    asked, started, trained
):
    case = ("model.width=16", "batch_size=64")
    start = trained(asked("norm=batch", *case)).weights()
    before = {each.path: each.data for each in start}
    changed = {}
    for arm in ("batch_frozen", "batch_inferring", "batch"):
        after = trained(started(f"norm={arm}", *case), start).weights()
        changed[arm] = {each.path for each in after if each.data != before[each.path]}
    norms = {path for path in before if path.startswith("norm")}
    assert len(norms) == 8
    assert not changed["batch_frozen"] & norms
    assert changed["batch_inferring"] & norms == {path for path in norms if "moving" not in path}
    assert changed["batch"] >= norms


def test_a_started_trial_leaves_nothing_to_the_next_one_on_its_graph(asked, started, trained):
    case = ("norm=batch", "model.width=16", "batch_size=64")
    alone = trained(asked(*case)).result
    trained(started(*case), trained(asked(*case, "seed=3")).weights())
    assert trained(asked(*case)).result == alone


def test_a_head_of_another_shape_is_new_and_told_and_all_else_is_taken(asked, started):
    start = weights(asked("norm=batch"))
    taken = {each.path: each.data for each in start}
    model, told = begun(started("norm=batch", "seed=1"), 4, start)
    fresh, _ = begun(asked("norm=batch", "seed=1"), 4, None)
    assert told == {"new_layer": "logits"}
    for mine, drawn in zip(model.variables, fresh.variables, strict=True):
        if mine.path.startswith("logits"):
            np.testing.assert_array_equal(mine, drawn)
        else:
            assert mine.numpy().tobytes() == taken[mine.path]
    same, told = begun(started("norm=batch", "seed=1"), 10, start)
    assert told == {}
    assert {each.path: each.numpy().tobytes() for each in same.variables} == taken


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (("norm=none",), ("norm=batch",), "it has no norm_0/gamma"),
        (("norm=batch",), ("norm=none",), "its norm_0/gamma has no place in this model"),
        (
            ("norm=none", "model.width=32"),
            ("norm=none",),
            r"its dense_0/kernel is of shape \(784, 32\), this model's of \(784, 256\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line_that_names_the_first(
    before, after, says, asked, started
):
    with pytest.raises(Refusal, match=f"cannot start from trial {KEY[:12]}: {says}"):
        begun(started(*after), 10, weights(asked(*before)))


def test_one_of_keras_s_networks_starts_from_another_trial_its_norms_frozen(asked, started):
    start = weights(asked(*MOBILE, "norm=batch"))
    model, told = begun(started(*MOBILE, "norm=batch", "model.frozen_norms=true"), 4, start)
    assert told == {"new_layer": "logits"}
    found = {each.path: each.numpy().tobytes() for each in model.variables}
    taken = {each.path: each.data for each in start if not each.path.startswith("logits")}
    assert len(taken) > 250
    assert {path: found[path] for path in taken} == taken
    frozen = [each for each in model.trainable_variables if each.name == "gamma"]
    assert [each.path for each in frozen] == ["norm/gamma"]


def test_a_worker_trains_what_its_trial_starts_from_where_it_is_lost_or_damaged(
    asked, folder, tmp_path, caplog
):
    from pipeline.execution.store import Store
    from pipeline.execution.task import Task
    from pipeline.execution.work import work

    case = ("norm=batch", "model.width=16", "batch_size=64")
    first, store = asked(*case), Store(tmp_path / "store")
    start = Task("first", 0, first, folder, keep_model=True)
    trial = asked(*case, "seed=1").model_copy(update={"start": first.key})
    task = Task("second", 0, trial, folder, keep_model=False, start=start)
    found, weights = work(task, store), store.weights(first.key)
    before = weights.read_bytes()
    assert digest_of(unpacked(before)) == store.get(first).weights_digest
    for spoil in (weights.unlink, lambda: weights.write_bytes(before[:-1] + b"x")):
        spoil()
        (store.root / trial.key[:2] / f"{trial.key}.json").unlink()
        assert work(task, store) == found
        assert weights.read_bytes() == before
    assert f"{first.key}.weights was damaged" in caplog.text
