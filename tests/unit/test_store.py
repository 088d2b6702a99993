"""The store: whole or absent, looked up before anything is trained, and never contradicted."""

import os

import pytest
from questions import result, trial

from pipeline.errors import Contradiction, Refusal
from pipeline.execution.store import Clock, Store

CLOCK = Clock(started=1.0, wall_seconds=2.0, commit="c", dirty="", host="h")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> list[str]:
    return sorted(file.suffix for file in store.root.rglob("*") if file.is_file())


def test_an_answer_comes_back_as_it_was(store):
    store.put(trial(), result(0.9), CLOCK)
    assert store.get(trial()) == result(0.9)
    assert store.clock(trial().key) == CLOCK


def test_an_unknown_question_has_no_answer(store):
    assert store.get(trial()) is None
    store.put(trial(), result(0.9), CLOCK)
    assert store.get(trial(seed=1)) is None


def test_clocks_stand_beside_the_answer_and_not_in_it(store):
    store.put(trial(), result(0.9), CLOCK)
    answer, clock = (
        next(store.root.rglob(f"{trial().key}{ending}")) for ending in (".json", ".clock.json")
    )
    assert "wall_seconds" in clock.read_text()
    assert "wall_seconds" not in answer.read_text()


def test_the_same_bits_may_be_stored_twice(store):
    store.put(trial(), result(0.9), CLOCK)
    store.put(trial(), result(0.9), CLOCK)
    assert files(store) == [".json", ".json"]


def test_other_bits_for_the_same_question_are_a_contradiction(store):
    store.put(trial(), result(0.9, weights="aa"), CLOCK)
    with pytest.raises(Contradiction, match=trial().key[:12]):
        store.put(trial(), result(0.9, weights="bb"), CLOCK)
    assert store.get(trial()) == result(0.9, weights="aa")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("0.9", "0.8"),
        lambda text: "[1, 2]",
        lambda text: "null",
    ],
)
def test_a_damaged_answer_is_set_aside_and_runs_again(store, damage, caplog):
    store.put(trial(), result(0.9), CLOCK)
    file = next(store.root.rglob(f"{trial().key}.json"))
    file.write_text(damage(file.read_text()))
    assert store.get(trial()) is None
    assert "damaged" in caplog.text
    assert ".damaged" in files(store)
    store.put(trial(), result(0.9), CLOCK)
    assert store.get(trial()) == result(0.9)


def test_an_answer_under_another_questions_name_is_not_taken(store, caplog):
    store.put(trial(), result(0.9), CLOCK)
    file = next(store.root.rglob(f"{trial().key}.json"))
    other = trial(seed=1)
    foreign = store.root / other.key[:2] / f"{other.key}.json"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text(file.read_text())
    assert store.get(other) is None


def test_a_store_that_cannot_be_written_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(Refusal, match="NORMBENCH_STORE"):
        store.put(trial(), result(0.9), CLOCK)


def test_nothing_half_written_stays_when_the_disk_is_full(store, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refusal, match="No space left on device"):
        store.put(trial(), result(0.9), CLOCK)
    assert files(store) == []


def test_a_model_that_failed_to_save_leaves_nothing(store):
    def save(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(Refusal, match="No space left"):
        store.put_model(trial(), save)
    assert files(store) == []


def test_the_environment_names_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMBENCH_STORE", str(tmp_path))
    assert Store.open().root == tmp_path
    monkeypatch.delenv("NORMBENCH_STORE")
    assert str(Store.open().root) == "store"
