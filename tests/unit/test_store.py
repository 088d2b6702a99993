"""The store: whole or absent, looked up before anything is trained, and never contradicted."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from questions import QUESTION, result, trial

from pipeline.content import canonical_json, content_digest
from pipeline.errors import Contradiction, Refusal
from pipeline.execution.digested import Damaged
from pipeline.execution.keys import the_one
from pipeline.execution.store import Clock, Store

CLOCK = Clock(started=1.0, wall_seconds=2.0, commit="c", dirty="", host="h")

# Each line of output is what became of one thing that was tried with the store at argv[1].
TRY_ALL = """
import os, sys
from pathlib import Path
from questions import result, trial
from pipeline.errors import Refusal
from pipeline.execution.store import Clock, Store
{before}
store, clock = Store(Path(sys.argv[1])), Clock.parse(
    {{"started": 1.0, "wall_seconds": 2.0, "commit": "", "dirty": "", "host": ""}}
)
for tried in (
    lambda: store.writable(),
    lambda: store.put(trial(seed=1), result(0.9), clock),
    lambda: store.put_model(trial(seed=1), lambda path: path.write_text("m" * 10000)),
    lambda: store.get(trial()),
):
    try:
        print(tried())
    except Refusal as refusal:
        print(refusal)
"""
AS_NOBODY = "if os.getuid() == 0: os.setuid(65534)  # no permission stops root"
ON_A_FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))"


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


def tried(folder: Path, before: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TRY_ALL.format(before=before), str(folder)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_a_folder_that_takes_no_files_is_refused_whatever_is_tried():
    with tempfile.TemporaryDirectory() as name:  # unlike tmp_path, others may look into it
        Path(name).chmod(0o755)
        store = Store(Path(name) / "store")
        store.put(trial(), result(0.9), CLOCK)
        store.put(trial(seed=1), result(0.9), CLOCK)
        for seed, text in ((0, "{"), (1, "{")):
            next(store.root.rglob(f"{trial(seed=seed).key}.json")).write_text(text)
        for folder in (store.root, *store.root.iterdir()):
            folder.chmod(0o555)
        lines = tried(store.root, AS_NOBODY)
        assert len(lines) == 4
        for line in lines:
            assert "Permission denied" in line
            assert "NORMBENCH_STORE" in line
        assert "cannot be set aside" in lines[3]
        assert files(store) == [".json"] * 4


def test_one_closed_folder_inside_is_found_before_the_work_begins():
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        store = Store(Path(name) / "store")
        store.put(trial(), result(0.9), CLOCK)
        (store.root / trial().key[:2]).chmod(0o555)
        store.root.chmod(0o777)
        line = tried(store.root, AS_NOBODY)[0]
        assert f"{store.root}/{trial().key[:2]}: takes no new files" in line


def test_on_a_full_disk_nothing_stays_half_written(store):
    store.put(trial(), result(0.9), CLOCK)
    lines = tried(store.root, ON_A_FULL_DISK)
    for line in lines[:3]:
        assert "File too large" in line
        assert "NORMBENCH_STORE" in line
    assert "steps" in lines[3]  # what was there is still read
    assert files(store) == [".json"] * 3  # of the new one, its clock alone
    assert store.get(trial(seed=1)) is None


def test_a_store_that_can_be_written_stays_empty(store):
    store.writable()
    assert list(store.root.iterdir()) == []


def test_a_store_that_is_a_file_is_refused_before_the_work_begins(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="NORMBENCH_STORE"):
        Store(tmp_path / "file").writable()


def test_two_machines_that_keep_the_same_model_write_to_names_of_their_own(store):
    def save(path):
        names.append(path)
        path.write_text("model")
        if len(names) == 1:  # the other machine, with a process of the same number, is as far
            store.put_model(trial(), save)
            assert path.read_text() == "model"

    names: list[Path] = []
    store.put_model(trial(), save)
    assert len(set(names)) == 2
    assert {path.suffix for path in names} == {".keras"}
    assert store.model(trial().key).read_text() == "model"
    assert files(store) == [".keras"]


def test_a_key_reads_back_the_question_and_its_answer(store):
    store.put(trial(), result(0.9), CLOCK)
    assert store.read(trial().key) == (trial(), result(0.9))
    with pytest.raises(Refusal, match="holds no answer"):
        store.read(trial(seed=1).key)


def rewritten(change) -> str:
    """An answer with a change in it, and the digest that goes with it."""
    content = {
        "format": "normbench.answer/1",
        "key": trial().key,
        "trial": trial().plain(),
        "result": result(0.9).plain(),
    }
    change(content)
    return canonical_json({**content, "digest": content_digest(content)})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut short"),
        ("{}", "no answer"),
        ("null", "no answer"),
        ('{"digest": 1, "key": NaN, "trial": 1}', "no answer"),
        (rewritten(lambda _: None).replace("0.9", "0.8"), "its own digest"),
        (rewritten(lambda content: content["trial"].update(seed=5)), "another question"),
        (rewritten(lambda content: content.update(key="a" * 64)), "another question"),
        (rewritten(lambda content: content.pop("result")), "no result"),
        (rewritten(lambda content: content["result"].pop("steps")), "another version"),
    ],
)
def test_a_damaged_answer_is_told_when_read_and_stays_where_it_is(store, text, says):
    store.put(trial(), result(0.9), CLOCK)
    file = next(store.root.rglob(f"{trial().key}.json"))
    file.write_text(text)
    with pytest.raises(Damaged, match=says):
        store.read(trial().key)
    assert file.read_text() == text
    assert store.get(trial()) is None


def test_bytes_that_are_no_text_are_damage(store):
    store.put(trial(), result(0.9), CLOCK)
    next(store.root.rglob(f"{trial().key}.json")).write_bytes(b"\xff\xfe")
    assert store.get(trial()) is None


def test_an_answer_of_another_version_names_the_commit_that_reads_it(store):
    old = {name: value for name, value in QUESTION.items() if name != "probes"}
    key = content_digest(old)
    content = {"format": "normbench.answer/1", "key": key, "trial": old, "result": {}}
    folder = store.root / key[:2]
    folder.mkdir(parents=True)
    text = canonical_json({**content, "digest": content_digest(content)})
    (folder / f"{key}.json").write_text(text)
    (folder / f"{key}.clock.json").write_text(json.dumps(CLOCK.plain()))
    with pytest.raises(Damaged, match="git checkout c reads it"):
        store.read(key)


def test_a_truncated_clock_is_a_lost_clock(store):
    store.put(trial(), result(0.9), CLOCK)
    file = next(store.root.rglob("*.clock.json"))
    file.write_text(file.read_text()[:10])
    assert store.clock(trial().key) is None
    assert store.get(trial()) == result(0.9)


def test_foreign_files_in_the_folder_are_nobodys_keys(store):
    assert store.keys() == ()
    store.put(trial(), result(0.9), CLOCK)
    store.put(trial(seed=1), result(0.9), CLOCK)
    store.model(trial().key).write_text("")
    inside = store.root / trial().key[:2]
    misplaced = "0" * 64 if inside.name != "00" else "1" * 64
    for foreign in (
        store.root / "README.json",
        store.root / "ab",
        store.root / "notes" / f"{'b' * 64}.json",
        inside / "notes.json",
        inside / f".{trial().key[:20]}-x.json",
        inside / f"{inside.name}{'0' * 62}.damaged",
        inside / f"{misplaced}.json",  # nobody looks for it there
    ):
        foreign.parent.mkdir(exist_ok=True)
        foreign.write_text("{")
    assert store.keys() == tuple(sorted([trial().key, trial(seed=1).key]))


def test_a_key_is_found_by_its_first_digits(store):
    store.put(trial(), result(0.9), CLOCK)
    store.put(trial(seed=1), result(0.9), CLOCK)
    for digits in (4, 12, 64):
        assert store.find(trial().key[:digits].upper()) == trial().key


KEYS = sorted(["abcd1" + "0" * 59, "abcd2" + "0" * 59, "ab" + "1" * 62, "ff" + "0" * 62])


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("abcd", "place: 2 keys begin with abcd: abcd10000000, abcd20000000; give more digits"),
        ("abce", "place: no key begins with abce; the nearest: abcd10000000, abcd20000000"),
        ("1234", "nearest: ab1111111111, abcd10000000, abcd20000000, ff0000000000"),
        ("abc", "'abc' is too short for a key: give at least 4 digits"),
        ("", "'' is no key"),
        ("quick", "'quick' is no key"),
    ],
)
def test_no_key_or_several_are_refused_with_candidates(start, says):
    with pytest.raises(Refusal) as refusal:
        the_one(start, KEYS, "place")
    assert says in str(refusal.value)


def test_keys_that_are_long_alike_are_listed_by_digits_that_tell_them_apart():
    keys = ["a" * 30 + "1" * 34, "a" * 30 + "2" * 34]
    with pytest.raises(Refusal, match=r"a{30}1111, a{30}2222"):
        the_one("aaaa", keys, "place")


def test_an_empty_store_says_what_fills_it(store):
    with pytest.raises(Refusal, match="normbench train"):
        store.find("abcd")


def test_the_environment_names_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMBENCH_STORE", str(tmp_path))
    assert Store.open().root == tmp_path
    monkeypatch.delenv("NORMBENCH_STORE")
    assert str(Store.open().root) == "store"
