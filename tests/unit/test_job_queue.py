"""How a queue stands in one line, how long a pool waits for it, and when a worker is too old."""

import sys

import pytest

from pipeline.errors import Refusal
from pipeline.execution.crew import Patience
from pipeline.execution.farewell import leave_word, take_word
from pipeline.execution.job_crew import words_of
from pipeline.execution.job_queue import listed, of_jobs, standing, summed_up
from pipeline.execution.lifetimes import Lifetimes


class Time:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_listing_is_read_by_the_jobs_own_numbers():
    lines = ["12 PENDING Resources", "  123 RUNNING None", "7.server  x  Q", "", "Job id  Name"]
    assert of_jobs(lines, ["12", "7", "3"]) == {"12": "PENDING Resources", "7": "x  Q"}


def test_equal_states_are_counted_and_rare_ones_summed():
    states = ["PENDING Priority"] * 7 + ["RUNNING  None"] * 2 + ["a", "b", "c"]
    assert summed_up(states) == "7 PENDING Priority, 2 RUNNING None, 1 a, 2 otherwise"
    assert summed_up([]) == ""


def test_a_queue_that_cannot_say_how_it_stands_is_no_reason_to_stop():
    assert listed(None) is None
    assert listed("no-such-program --me") is None
    assert listed("'open quote") is None
    assert listed(f"{sys.executable} -c 'raise SystemExit(1)'") is None
    assert standing(None) == ""
    assert standing("no-such-program --me") == "no-such-program does not answer"
    assert standing("echo '5 PENDING'") == "the queue: 1 PENDING"
    assert standing("true") == "the queue: no job"


def test_what_a_submitting_command_said_is_found_in_the_report_of_how_it_ended():
    report = "Command exited with non-zero exit code.\nstdout:\n\nstderr:\nfirst\nlast word\n\n"
    assert words_of(RuntimeError(report)) == "last word"
    assert words_of(OSError("no such program")) == "OSError: no such program"


def test_a_pool_without_workers_says_so_at_twice_the_time_each_and_then_gives_up(caplog):
    time = Time()
    patience = Patience(
        "no worker has come",
        tell_seconds=10,
        limit_seconds=100,
        state=lambda: "the queue: 2 PENDING",
        clock=time,
    )
    for time.now in range(100, 201):
        patience.look(0)
    assert [record.getMessage() for record in caplog.records] == [
        f"no worker has come for {seconds} s (the queue: 2 PENDING); still waiting"
        for seconds in (11, 21, 41, 81)
    ]
    time.now = 201
    with pytest.raises(Refusal) as refused:
        patience.look(0)
    assert str(refused.value) == (
        "cluster: no worker has come for 100 s (the queue: 2 PENDING); "
        "what is finished is kept, the same command goes on"
    )


def test_a_worker_that_is_seen_starts_the_patience_again():
    time = Time()
    patience = Patience("nobody", limit_seconds=10, clock=time)
    for time.now in (109.0, 118.0, 127.0):
        patience.look(1)
    time.now = 136.0
    patience.look(0)


def test_a_worker_is_too_old_at_an_age_that_its_name_decides():
    time = Time()
    lives = Lifetimes(100, 50, time)
    names = [f"tls://10.0.0.{n}:4000" for n in range(200)]
    lives.look(names)
    ended = []
    for time.now in range(100, 202):
        ended.append(sum(map(lives.is_over, names)))
    assert ended[50] == 0  # at an age of 50 s, lifetime less the whole stagger
    assert 70 < ended[75] < 130  # half of 200, give or take four deviations of 7
    assert ended[101] == 200
    assert not lives.is_over("tls://never.seen:1")


def test_an_age_is_counted_anew_where_an_address_is_used_again():
    time = Time()
    lives = Lifetimes(10, 0, time)
    lives.look(["a"])
    time.now = 111.0
    assert lives.is_over("a")
    lives.look([])
    lives.look(["a"])
    assert not lives.is_over("a")


def test_lifetimes_that_end_before_they_begin_are_refused():
    assert not Lifetimes(None, 600).is_over("a")
    with pytest.raises(Refusal, match=r"cluster\.stagger_seconds must be from 0 to below"):
        Lifetimes(600, 600)


def test_a_word_is_taken_once(tmp_path):
    assert not take_word(tmp_path, "tls://10.0.0.1:4000")
    leave_word(tmp_path, "tls://10.0.0.1:4000")
    assert not take_word(tmp_path, "tls://10.0.0.1:400")
    assert take_word(tmp_path, "tls://10.0.0.1:4000")
    assert not take_word(tmp_path, "tls://10.0.0.1:4000")
