"""Mirrors that follow a sweep, with made-up mirrors: no MLflow, no Optuna, no server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from fake_answers import fake_runs

from pipeline.errors import Refusal
from pipeline.records import Answer
from pipeline.tracking import live
from pipeline.tracking.live import LiveMirror
from pipeline.tracking.outage import MirrorUnreachable

SOON = 20.0  # seconds that nothing here should take
DOWN = MirrorUnreachable("MLflow at there: refused")


@dataclass
class FakeMirror:
    """Takes down what it is given, and when; does what `act` says with the number of the pass."""

    act: Callable[[int], object] = lambda number: None
    seen: list[tuple[Answer, ...]] = field(default_factory=list)
    began: list[float] = field(default_factory=list)

    def __call__(self, snapshot: tuple[Answer, ...]) -> str:
        self.began.append(time.monotonic())
        self.seen.append(snapshot)
        self.act(len(self.began))
        return "written"


@pytest.fixture(scope="module")
def answers() -> tuple[Answer, ...]:
    return fake_runs().swept[:40]  # 16 of one study, 16 of the next, 8 of a third


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def following(interval: float = 0.01, **mirrors: Callable) -> LiveMirror:
    return LiveMirror("quick", tuple, mirrors, interval=interval)


def raising(*outages: Exception | None) -> Callable[[int], None]:
    """One outage, or nothing, per pass; afterwards nothing."""

    def act(number: int) -> None:
        outage = outages[number - 1] if number <= len(outages) else None
        if outage is not None:
            raise outage

    return act


def test_answers_are_mirrored_while_the_sweep_runs_and_a_last_time_at_its_end(answers):
    mirror = FakeMirror()
    follower = following(MLflow=mirror)
    follower.put(answers[0])
    until(lambda: len(mirror.seen) == 1)
    for answer in answers[1:]:
        follower.put(answer)
    assert follower.finish(SOON) == ["written"]
    assert mirror.seen[0] == answers[:1]
    assert sorted(one.key for one in mirror.seen[-1]) == sorted(one.key for one in answers)


def test_a_snapshot_is_made_of_sorted_answers_in_whatever_order_they_came(answers):
    mirror = FakeMirror()
    follower = following(interval=60, MLflow=mirror)
    for answer in reversed(answers):
        follower.put(answer)
    follower.finish(SOON)
    assert mirror.seen == [tuple(sorted(answers, key=lambda one: (one.study, one.index)))]


def test_without_new_answers_nothing_is_done(answers):
    mirror = FakeMirror()
    follower = following(MLflow=mirror)
    time.sleep(0.05)
    assert mirror.seen == []
    follower.put(answers[0])
    until(lambda: len(mirror.seen) == 1)
    time.sleep(0.1)
    assert follower.finish(SOON) == ["written"]
    assert len(mirror.seen) == 1
    assert following(MLflow=mirror).finish(SOON) == []


def test_who_brings_answers_never_waits_for_a_mirror_that_hangs(answers):
    free = threading.Event()
    mirror = FakeMirror(act=lambda number: free.wait(SOON))
    follower = following(MLflow=mirror)
    follower.put(answers[0])
    until(lambda: len(mirror.began) == 1)
    began = time.monotonic()
    for _ in range(10_000):
        follower.put(answers[1])
    lines = follower.finish(0.1)
    assert time.monotonic() - began < 2
    assert lines == [
        "warning: not mirrored, catch up with `normbench mirror quick`: "
        "MLflow was still being written"
    ]
    free.set()


def test_after_a_pass_the_thread_rests(answers):
    mirror = FakeMirror(act=lambda number: time.sleep(0.1))
    follower = following(MLflow=mirror)
    for count, answer in enumerate(answers[:3], start=1):
        follower.put(answer)
        until(lambda count=count: len(mirror.began) == count)
    follower.finish(SOON)
    first, second, third = mirror.began
    assert min(second - first, third - second) >= (1 + live.REST) * 0.1
    assert live.REST >= 0.5


def test_an_outage_is_tried_again_after_longer_and_longer_and_told_once(answers):
    mirror = FakeMirror(act=raising(DOWN, DOWN, DOWN))
    follower = following(interval=0.02, MLflow=mirror)
    follower.put(answers[0])
    until(lambda: len(mirror.began) == 4)
    assert follower.finish(SOON) == [f"written; out of reach 3 times on the way, last: {DOWN}"]
    gaps = [after - before for before, after in zip(mirror.began, mirror.began[1:], strict=False)]
    assert [gap >= 0.02 * 2**failed for failed, gap in enumerate(gaps, start=1)] == [True] * 3


def test_the_pause_after_an_outage_has_an_end(answers, monkeypatch):
    assert live.LONGEST_PAUSE_SECONDS == 300
    monkeypatch.setattr(live, "LONGEST_PAUSE_SECONDS", 0.02)
    mirror = FakeMirror(act=raising(*30 * [DOWN]))
    follower = following(MLflow=mirror)  # doubled 30 times, 0.01 s would be four months
    follower.put(answers[0])
    until(lambda: len(mirror.began) == 31)
    follower.finish(SOON)


def test_an_outage_at_the_end_is_a_warning_that_says_how_to_catch_up(answers):
    mirror = FakeMirror(act=raising(*100 * [DOWN]))
    follower = following(interval=60, MLflow=mirror)
    follower.put(answers[0])
    began = time.monotonic()
    assert follower.finish(SOON) == [
        f"warning: not mirrored, catch up with `normbench mirror quick`: {DOWN}"
    ]
    assert (len(mirror.began), time.monotonic() - began < 5) == (1, True)


@pytest.mark.parametrize(
    "trouble", [Refusal("manifest.json is damaged"), FileNotFoundError("gone")]
)
def test_a_file_that_is_damaged_or_being_replaced_is_tried_again(answers, trouble):
    mirror = FakeMirror(act=raising(trouble))
    follower = following(MLflow=mirror)
    follower.put(answers[0])
    until(lambda: len(mirror.began) == 2)
    assert follower.finish(SOON) == [f"written; out of reach 1 times on the way, last: {trouble}"]


def test_one_mirror_that_is_down_or_hangs_does_not_hold_the_other(answers):
    free = threading.Event()
    hanging, right = FakeMirror(act=lambda number: free.wait(SOON)), FakeMirror()
    follower = following(MLflow=hanging, Optuna=right)
    for count, answer in enumerate(answers[:3], start=1):
        follower.put(answer)
        until(lambda count=count: len(right.seen) == count)
    lines = follower.finish(0.1)
    assert (lines[0][:8], lines[1]) == ("warning:", "written")
    free.set()


def test_a_mistake_of_ours_is_raised_when_the_sweep_is_over_and_not_before(answers):
    mirror = FakeMirror(act=raising(ZeroDivisionError("ours")))
    follower = following(MLflow=mirror)
    follower.put(answers[0])
    until(lambda: len(mirror.began) == 1)
    follower.put(answers[1])
    with pytest.raises(ZeroDivisionError, match="ours"):
        follower.finish(SOON)
    assert len(mirror.began) == 1
