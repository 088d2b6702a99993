"""Lines of waiting tasks: their heads, questions that wait once, and starts that come first."""

from pathlib import Path

from questions import trial

from pipeline.execution.task import Task
from pipeline.execution.waiting import Waiting


def task(index: int, study: str = "one", *, start: Task | None = None, **changes) -> Task:
    asked = trial(seed=index, start=start.trial.key if start else None, **changes)
    return Task(study, index, asked, Path(), keep_model=False, start=start)


def test_each_study_and_graph_has_a_line_with_the_lowest_index_first():
    waiting = Waiting()
    other = {"target": "optimizers.Lion", "arguments": {"learning_rate": 0.1}}
    tasks = [task(3), task(1), task(2, "two"), task(5, optimizer=other), task(4, "two")]
    for each in tasks:
        waiting.add(each)
    assert sorted((each.study, each.index) for each in waiting.heads()) == [
        ("one", 1),
        ("one", 5),
        ("two", 2),
    ]
    assert (waiting.take(tasks[1].trial.key), len(waiting)) == ([tasks[1]], 4)
    assert tasks[0] in waiting.heads()


def test_a_question_of_two_studies_waits_once_and_is_taken_for_both():
    waiting = Waiting()
    one, two = task(1), task(1, "two")
    waiting.add(one)
    waiting.add(two)
    assert len(waiting) == 1
    assert waiting.take(one.trial.key) == [one, two]
    assert waiting.heads() == []
    waiting.add(two)  # its worker died
    assert [each.study for each in waiting.heads()][-1] == "two"
    assert waiting.take(two.trial.key) == [two]


def test_what_starts_from_a_trial_waits_until_that_is_over_whichever_came_first():
    waiting, first = Waiting(), task(0)
    after = task(1, "two", start=first)
    waiting.add(after)
    waiting.add(first)
    assert waiting.heads() == [first]
    waiting.take(first.trial.key)
    assert waiting.heads() == []  # a worker has it
    waiting.over(first.trial.key)
    assert waiting.heads() == [after]


def test_what_starts_from_a_trial_that_is_known_waits_for_nobody():
    waiting, first = Waiting(), task(0)
    after = task(1, "two", start=first)
    waiting.add(after)
    assert waiting.heads() == [after]


def test_what_starts_from_a_trial_that_was_given_up_is_dropped_and_nothing_else():
    waiting, first = Waiting(), task(0)
    after, own = task(1, "two", start=first), task(2)
    for each in (first, after, own):
        waiting.add(each)
    waiting.take(first.trial.key)
    assert waiting.heads() == [own]
    assert waiting.drop_after(first.trial.key) == [after]
    waiting.over(first.trial.key)
    assert (waiting.heads(), len(waiting)) == ([own], 1)


def test_a_thousand_waiting_tasks_of_a_study_have_one_head():
    waiting = Waiting()
    for index in reversed(range(1000)):
        waiting.add(task(index))
    assert [each.index for each in waiting.heads()] == [0]
