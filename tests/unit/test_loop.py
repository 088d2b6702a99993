"""The loop: one digest, whoever works, in whatever order, whatever dies."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import study
from simulated import (
    DESIGNS,
    Killed,
    MemoryStore,
    Silence,
    SimulatedPool,
    ask,
    designed,
    digest,
    searches,
)

from pipeline.execution.loop import run
from pipeline.execution.queues import Confirmation


def swept(studies, store, *, workers=1, rng=0, lives=None, ahead=0):
    """Sweep studies to their end or to the coordinator's death; return queues, watch and pool."""
    queues, watch = searches(*studies), Silence()
    pool = SimulatedPool(store, workers, random.Random(rng), lives, ahead)
    failures = run(queues, lambda: pool, store, watch)
    assert failures == watch.failures
    return queues, watch, pool


@pytest.mark.parametrize("design", DESIGNS)
@given(
    workers=st.integers(1, 8),
    lag=st.integers(1, 10),
    deaths=st.lists(st.integers(0, 12), max_size=4),
    rng=st.integers(0, 2**32),
    ahead=st.integers(0, 2),
)
@settings(max_examples=15, deadline=None)
def test_workers_order_and_deaths_do_not_change_the_study(design, workers, lag, deaths, rng, ahead):
    studies = [designed(design, lag=lag, trials=10, arm=arm) for arm in ("batch", "layer")]
    expected = digest(swept(studies, MemoryStore())[0])

    store = MemoryStore()
    for life, lives in enumerate(deaths):
        try:
            swept(studies, store, workers=workers, rng=rng + life, lives=lives, ahead=ahead)
        except Killed:
            continue
    queues, _, pool = swept(studies, store, workers=workers, rng=rng, ahead=ahead)
    assert digest(queues) == expected
    assert pool.closed or not pool.trained


def test_no_more_than_lag_trials_of_a_study_are_in_flight():
    *_, pool = swept([study(lag=3)], MemoryStore(), workers=8)
    assert pool.most == 3


def test_no_worker_waits_for_a_studys_slowest_trial():
    *_, pool = swept(
        [study(lag=3, arm="batch"), study(lag=3, arm="layer")], MemoryStore(), workers=6
    )
    assert pool.most == 6


def test_a_trial_waits_at_a_busy_worker_where_more_are_left_than_the_others_can_begin():
    _, watch, pool = swept([study(lag=12)], MemoryStore(), workers=2, ahead=1)
    assert pool.queued > 2
    assert sorted(key for _, key in watch.begun) == sorted(pool.trained)  # each begins once
    *_, pool = swept([study(lag=4)], MemoryStore(), workers=2, ahead=1)
    assert pool.queued == 0


def test_a_trial_that_waited_begins_when_its_workers_first_is_over():
    order = []

    class Ordered(Silence):
        def started(self, task, worker):
            order.append(("begins", task.index))

        def answered(self, answer, *, fresh):
            order.append(("is over", answer.index))

    queues = searches(designed("sobol", lag=8, trials=8))
    store = MemoryStore()
    pool = SimulatedPool(store, 1, random.Random(0), ahead=1)
    run(queues, lambda: pool, store, Ordered())
    assert pool.queued
    began, over = order[::2], order[1::2]
    assert [index for _, index in began] == [index for _, index in over]
    assert {what for what, _ in began} == {"begins"}
    assert sorted(index for _, index in over) == list(range(8))


def test_a_finished_sweep_starts_no_worker_and_trains_nothing():
    store = MemoryStore()
    swept([study()], store)

    def refused():
        raise AssertionError("a pool was opened")

    queues, watch = searches(study()), Silence()
    assert run(queues, refused, store, watch) == []
    assert watch.fresh == [False] * 12


def test_more_trials_train_only_what_is_new():
    store = MemoryStore()
    swept([study(trials=5)], store)
    *_, pool = swept([study(trials=7)], store)
    assert len(pool.trained) == 2


def test_two_studies_that_ask_the_same_question_train_it_once():
    studies = [designed("sobol", lag=4, trials=6, arm=arm) for arm in ("one", "two")]
    queues, watch, pool = swept(studies, MemoryStore(), workers=4)
    assert len(pool.trained) == 6
    assert [len(queue.answers()) for queue in queues] == [6, 6]
    assert sum(watch.fresh) == 6


def test_a_failed_trial_leaves_the_rest_to_be_finished():
    studies = [study(lag=2, trials=6, arm="batch"), study(lag=2, trials=6, arm="layer")]
    first = searches(*studies)[0].ready()[1].trial.key
    queues, watch = searches(*studies), Silence()
    store = MemoryStore()
    pool = SimulatedPool(store, 2, random.Random(0))
    pool.broken = {first}
    failures = run(queues, lambda: pool, store, watch)
    assert [(each.task.study, each.task.index, each.reason) for each in failures] == [
        (studies[0].name, 1, "broke")
    ]
    # proposal 3 of that study needs to know result 1; its neighbour goes to the end
    assert [len(queue.answers()) for queue in queues] == [2, 6]


def test_a_failed_trial_is_tried_again_by_the_next_sweep():
    store = MemoryStore()
    pool = SimulatedPool(store, 2, random.Random(0))
    pool.broken = {searches(study())[0].ready()[0].trial.key}
    assert len(run(searches(study()), lambda: pool, store, Silence())) == 1
    queues, *_ = swept([study()], store, workers=2)
    assert digest(queues) == digest(swept([study()], MemoryStore())[0])


def test_the_pool_is_closed_when_the_coordinator_is_interrupted():
    store = MemoryStore()
    pool = SimulatedPool(store, 2, random.Random(0), lives=3)
    with pytest.raises(Killed):
        run(searches(study()), lambda: pool, store, Silence())
    assert pool.closed


def test_the_winner_is_confirmed_on_every_fresh_seed_with_test_data():
    asked = study(trials=6)
    (queue,), *_ = swept([asked], MemoryStore())
    best = max(queue.answers(), key=lambda each: each.result.metrics["validation_score"])
    confirmation = Confirmation(asked, queue.answers(), ask, Path)
    store = MemoryStore()
    run([confirmation], lambda: SimulatedPool(store, 2, random.Random(1)), store, Silence())
    confirmed = confirmation.answers()
    assert [answer.trial.seed for answer in confirmed] == list(asked.confirm_seeds)
    assert {answer.trial.split for answer in confirmed} == {"test"}
    for answer in confirmed:
        assert answer.trial.optimizer == best.trial.optimizer
        assert answer.trial.norm == best.trial.norm
        assert answer.trial.batch_size == best.trial.batch_size
        assert answer.key == answer.trial.key != best.key


def test_a_winner_whose_model_was_lost_is_trained_again_for_it():
    asked = study(trials=3)
    (queue,), *_ = swept([asked], MemoryStore())
    store = MemoryStore()
    for _ in range(2):
        store.models.clear()
        pool = SimulatedPool(store, 1, random.Random(1))
        confirmation = Confirmation(asked, queue.answers(), ask, Path)
        run([confirmation], lambda pool=pool: pool, store, Silence())
    assert len(pool.trained) == 1
