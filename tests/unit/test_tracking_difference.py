"""Which run is an entry's, and whether it lacks something; no MLflow needed."""

from __future__ import annotations

from dataclasses import replace

from pipeline.tracking.difference import Found, lacking_tags, lacks, of_entry
from pipeline.tracking.entry import Entry, Point

ENTRY = Entry(
    name="trial s 0 k",
    title="trial 0",
    parent="study s",
    params={"batch_size": "32", "epochs": "2"},
    points=(Point("loss", 2.0, 1), Point("loss", 1.0, 2)),
    tags={"status": "ok"},
)
TAGS = {"status": "ok", "parent": "p"}
RIGHT = Found("a", True, ENTRY.params, TAGS, {"loss": 1.0})


def test_a_finished_run_that_says_what_it_should_lacks_nothing():
    assert not lacks(ENTRY, TAGS, RIGHT)


def test_what_a_run_says_beyond_its_entry_is_anothers_business():
    more = replace(RIGHT, tags=TAGS | {"by": "hand"}, metrics={"loss": 1.0, "test_score": 0.9})
    assert not lacks(ENTRY, TAGS, more)


def test_a_half_written_run_lacks_its_end_and_what_was_not_written():
    assert lacks(ENTRY, TAGS, replace(RIGHT, finished=False))
    for missing in ({"params": {}}, {"tags": {}}, {"metrics": {}}, {"metrics": {"loss": 2.0}}):
        assert lacks(ENTRY, TAGS, replace(RIGHT, **missing))


def test_a_run_below_another_parent_lacks_its_own():
    assert lacking_tags(ENTRY, TAGS | {"parent": "q"}, RIGHT) == {"parent": "q"}


def test_a_run_with_other_pages_or_another_model_lacks_them():
    assert lacks(replace(ENTRY, digests={"files": "f"}), TAGS, RIGHT)


def test_the_beginning_of_a_study_changes_nothing_in_the_run_of_the_whole():
    begun = replace(ENTRY, points=ENTRY.points[:1], complete=False, tags={"status": "?"})
    assert not lacks(begun, {"status": "?", "parent": "p"}, RIGHT)
    assert lacking_tags(begun, {"status": "?", "parent": "q"}, RIGHT) == {"parent": "q"}


def test_the_beginning_of_a_study_is_a_run_that_goes_on():
    begun = replace(ENTRY, points=ENTRY.points[:1], complete=False)
    running = replace(RIGHT, finished=False, metrics={"loss": 2.0})
    assert not lacks(begun, TAGS, running)
    assert lacks(ENTRY, TAGS, running)


def test_of_two_equal_runs_the_finished_one_is_kept_else_the_first_by_id():
    other = replace(RIGHT, run_id="b")
    half = replace(RIGHT, run_id="0", finished=False)
    assert of_entry(ENTRY, [half, other, RIGHT]) == [RIGHT, other, half]


def test_a_run_that_asks_something_else_is_no_entrys_because_mlflow_changes_no_parameter():
    changed = replace(RIGHT, params={"batch_size": "64", "epochs": "2"})
    older = replace(RIGHT, params={"space.epsilon": "0.1 to 1"})
    assert of_entry(ENTRY, [changed, older]) == []
    assert of_entry(ENTRY, [replace(RIGHT, params={"epochs": "2"})]) != []
