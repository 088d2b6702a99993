"""A trial that starts from another one's weights: what is asked, in which order, what is kept."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import result, study, trial
from simulated import Killed, MemoryStore, Silence, SimulatedPool, ask, designed, digest

from pipeline.configuration.cell import compose_cells
from pipeline.configuration.plan import compose_plan
from pipeline.configuration.starts import check_starts
from pipeline.errors import Refusal
from pipeline.execution.loop import run
from pipeline.execution.queues import Search, starts_of
from pipeline.execution.store import Clock, Store
from pipeline.execution.work import weights_of
from pipeline.stages import starting
from pipeline.studies import Study
from pipeline.training.checkpoint import Weight, digest_of, numbered, packed, unpacked

CONF = Path("conf")
CLOCK = Clock(started=1.0, wall_seconds=2.0, commit="", dirty="", host="")
WEIGHTS = (
    Weight("dense/kernel", "float32", (2, 1), b"12345678"),
    Weight("dense/bias", "float32", (1,), b"1234"),
    Weight("count", "int64", (), b"87654321"),
)
SEEDS = [0, 1, 2, 3]


def pretraining(**changes) -> Study:
    """A factorial study of one setting and four seeds."""
    design = designed("factorial", lag=9, trials=4).design.plain()
    design |= {"trials": 4, "has_winner": False}
    own = {"experiment": "pretraining", "design": design, "space": {}, "axes": {}, "seeds": SEEDS}
    return study(**own | {"confirm_seeds": []} | changes)


def tuning(**changes) -> Study:
    """A study in which each arm has a rate of its own, its trials started from the other's."""
    made = designed("own_rate", lag=9, trials=20)
    own = {"experiment": "transfer", "start": "pretraining"}
    design = made.design.plain() | {"has_winner": False}
    return Study.parse(made.plain() | own | {"design": design, "confirm_seeds": []} | changes)


def queues() -> list[Search]:
    before = pretraining()
    starts = starts_of(before, ask, Path)
    return [
        Search(tuning(), ask, Path, starts=starts),
        Search(before, ask, Path, keep_models=True),
    ]


def swept(store, *, workers=1, rng=0, lives=None):
    """Sweep to the end, or to the coordinator's death; the pool sees that no start is missing."""
    found, pool = queues(), SimulatedPool(store, workers, random.Random(rng), lives)
    assert run(found, lambda: pool, store, Silence()) == []
    return digest(found), pool


@given(
    workers=st.integers(1, 8),
    deaths=st.lists(st.integers(0, 12), max_size=4),
    rng=st.integers(0, 2**32),
)
@settings(max_examples=15, deadline=None)
def test_a_trial_waits_for_what_it_starts_from_and_nothing_changes_the_study(workers, deaths, rng):
    expected, _ = swept(MemoryStore())
    store = MemoryStore()
    for life, lives in enumerate(deaths):
        try:
            swept(store, workers=workers, rng=rng + life, lives=lives)
        except Killed:
            continue
    assert swept(store, workers=workers, rng=rng)[0] == expected


def test_each_trial_starts_from_the_one_of_its_own_seed_whose_key_is_known_beforehand():
    tuned, before = queues()
    keys = {task.trial.seed: task.trial.key for task in before.ready()}
    asked = tuned.ready()
    assert {task.trial.seed for task in asked} == {*SEEDS}
    for task in asked:
        assert task.trial.start == keys[task.trial.seed]
        assert task.trial.key != ask(tuning(), seed=task.trial.seed, split="validation").key


def test_a_lost_model_is_trained_again_and_what_started_from_it_is_not():
    store = MemoryStore()
    swept(store)
    lost = min(store.models)
    store.models.remove(lost)
    assert swept(store)[1].trained == [lost]


def test_what_starts_from_a_failed_trial_is_given_up_and_the_rest_goes_on():
    store, found = MemoryStore(), queues()
    broken = starts_of(pretraining(), ask, Path)[3]
    pool = SimulatedPool(store, 2, random.Random(0))
    pool.broken = {broken.trial.key}
    failures = run(found, lambda: pool, store, Silence())
    reasons = {each.reason for each in failures}
    assert reasons == {"broke", f"it starts from {broken.name}, which failed"}
    assert {each.task.trial.seed for each in failures} == {3}
    # 2 sizes x 3 rates x 2 seeds choose; seed 2 is beside and at its own rate, seed 3 at neither
    assert [len(queue.answers()) for queue in found] == [2 * 3 * 2 + 2 * 2, 3]


def test_weights_come_back_from_a_file_as_they_were():
    assert unpacked(packed(WEIGHTS)) == WEIGHTS
    assert list(numbered(["a", "b", "a", "a"])) == ["a", "b", "a/2", "a/3"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"3\n", b"[]\nx", b"[[1]]\n", packed(WEIGHTS)[:-1]]
)
def test_a_file_that_holds_no_weights_is_told_from_one_that_does(content):
    with pytest.raises(ValueError, match="no whole list of weights"):
        unpacked(content)


@pytest.fixture
def store(tmp_path) -> Store:
    """A store with a trial's answer, its model and its weights."""
    made = Store(tmp_path / "store")
    made.put(trial(), result(0.9, weights=digest_of(WEIGHTS)), CLOCK)
    made.put_weights(trial(), WEIGHTS)
    made.put_model(trial(), lambda path: path.write_text("model"))
    return made


def test_weights_are_those_of_the_answer_or_are_set_aside(store, caplog):
    answer, file = store.get(trial()), store.weights(trial().key)
    assert store.keeps_model(trial().key, answer)
    assert weights_of(trial().key, store) == WEIGHTS
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert not store.keeps_model(trial().key, answer)
    assert not file.exists()
    assert "set aside" in caplog.text
    assert store.get(trial()) == answer
    with pytest.raises(Refusal, match=r"keeps no weights of trial \w{12} .* with --save"):
        weights_of(trial().key, store)


def test_a_model_without_weights_is_no_start_and_weights_without_a_model_neither(store):
    answer = store.get(trial())
    store.model(trial().key).unlink()
    assert not store.keeps_model(trial().key, answer)


def test_the_shipped_transfer_starts_from_its_pretraining_seed_by_seed():
    plan = compose_plan(CONF, "transfer")
    before, *after = plan.studies.values()
    assert {study.start for study in after} == {"pretraining"}
    assert all(plan.start_of(study) == before for study in after)
    assert plan.start_of(before) is None
    assert all(study.model == before.model for study in after)
    assert all(study.seeds_together >= 10 for study in after)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (None, {}, "is no experiment of conf/profile/p.yaml; name it there"),
        ({"model_name": "cnn"}, {}, "has 0 studies of model mlp; one is needed"),
        ({"start": "other"}, {}, "must itself start from nothing"),
        ({"axes": {"batch_size": [2, 4]}}, {}, "run one setting with each seed"),
        ({}, {"seeds": [0, 1, 2, 9]}, "has no seed 9; give both experiments the same seeds"),
        ({}, {"model": {"target": "models.mlp.build", "arguments": {}}}, "has other arguments"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_one_line(before, after, says):
    studies = [tuning(**after), *([] if before is None else [pretraining(**before)])]
    with pytest.raises(Refusal, match=says) as refused:
        check_starts(CONF, studies, "conf/profile/p.yaml")
    assert str(refused.value).startswith("conf/experiment/transfer.yaml: start=pretraining: ")


def test_a_search_does_not_start_from_another_experiments_trials():
    with pytest.raises(Refusal, match="needs a design of fixed settings without a winner"):
        check_starts(CONF, [study(start="pretraining"), pretraining()], "p")


def test_the_command_line_takes_a_key_also_one_of_digits_alone():
    def start(text):
        return compose_cells(CONF, [f"start={text}"], multirun=False)[0].cell.start

    assert (start("12345678"), start("3f9a2c"), start("null")) == ("12345678", "3f9a2c", None)
    with pytest.raises(Refusal, match="command line: start must be a string, got 100000"):
        start("1e5")


def test_classes_of_a_dataset_are_chosen_and_counted_anew():
    from pipeline.components import build

    def load(*classes):
        [asked] = compose_cells(CONF, [f"dataset.source.classes={[*classes]}"], multirun=False)
        return build(asked.dataset.source)

    chosen = load(9, 3)
    assert chosen.labels == ("9", "3")
    assert chosen.targets.tolist() == [1] * 500 + [0] * 500  # the file is sorted by digit
    for mistake in ((1,), (1, 1), (1, 10)):
        with pytest.raises(Refusal, match=r"two or more different classes, 0 \.\. 9"):
            load(*mistake)


def test_what_a_verified_trial_started_from_is_read_or_trained_again_elsewhere(
    store, tmp_path, monkeypatch
):
    scratch, file = Store(tmp_path / "scratch"), store.weights(trial().key)
    found = {"weights": digest_of(WEIGHTS)}

    def answer(asked, into, folder, *, keep_model):
        assert (into.root, folder, keep_model) == (scratch.root, tmp_path, True)
        into.put(asked, result(0.9, **found), CLOCK)
        into.put_weights(asked, WEIGHTS)
        return result(0.9, **found)

    monkeypatch.setattr(starting, "answer", answer)
    monkeypatch.setattr(starting, "asked_here", lambda each: each)

    def again(folders):
        return starting.start_again(trial().key, store, scratch, folders)

    def here(trials):
        return {trials[0].data_digest: tmp_path}

    assert again(None) == WEIGHTS  # as kept: no arrays are looked for
    file.write_bytes(file.read_bytes()[:-1])
    before = file.read_bytes()
    assert again(here) == WEIGHTS
    assert file.read_bytes() == before  # the store stays as it is
    found["weights"] = "other"
    scratch.root.rename(tmp_path / "old")
    assert again(here) is None
