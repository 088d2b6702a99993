"""How a run tells how far it has come: counts, time left, and the same from another terminal."""

from pathlib import Path

import pytest
from questions import result, study
from rich.console import Console
from simulated import searches

from pipeline.errors import Refusal
from pipeline.execution.board import Board, Progress, StudyProgress
from pipeline.execution.lock import held
from pipeline.execution.task import Failed
from pipeline.stages import status
from pipeline.stages.live import View, closing, line, table
from pipeline.stages.places import Places


def progress(**changes) -> Progress:
    study_progress = StudyProgress(
        study="tuned/digits/mlp/batch",
        score="accuracy",
        total=12,
        done=4,
        running=2,
        failed=1,
        best=0.9,
        trial_seconds=3,
    )
    fields = {
        "command": "sweep",
        "profile": "quick",
        "process": 1,
        "host": "h",
        "started": 1000.0,
        "updated": 1060.0,
        "trained": 4,
        "workers": 2,
        "studies": (study_progress,),
    }
    return Progress(**fields | changes)


def test_a_board_counts_what_it_is_told():
    (queue,) = searches(study(lag=3))
    board = Board("sweep", "quick", [queue])
    first, second, third = queue.ready()
    for task in (first, second, third):
        board.started(task, "worker")
    board.answered(queue.take(first, result(0.8)), fresh=True)
    board.failed(Failed(second, "broke"))
    told = board.progress().studies[0]
    assert (told.total, told.done, told.running, told.failed, told.left) == (12, 1, 1, 1, 10)
    assert told.best == 0.8
    assert board.progress().trained == 1


def test_the_time_left_is_what_each_studys_trials_cost_shared_by_the_workers():
    assert progress().seconds_left == 7 * 3 / 2
    assert progress().trials_a_minute == 4
    assert progress(workers=0).seconds_left is None


def test_a_line_says_it_all():
    assert line(progress()) == (
        "sweep quick: 4 of 12 trials, 2 running, 1 failed, 4 a minute, about 10 s left"
    )
    assert closing(progress()) == "sweep: 12 trials, 4 of them trained now in 60 s"


def test_a_table_shows_every_study():
    console = Console(width=120)
    with console.capture() as captured:
        console.print(table(progress(), 120))
    for word in ("tuned/digits/mlp/batch", "4/12 (1 failed)", "accuracy 0.900", "4 a minute"):
        assert word in captured.get()


def drawn(shown: Progress, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height)
    with console.capture() as captured:
        console.print(table(shown, width, height))
    return [each.rstrip() for each in captured.get().splitlines()]


def test_a_terminal_of_80_by_24_shows_the_total_the_time_left_and_every_arm_at_work():
    (first,) = progress().studies
    names = [f"tuned_cnn_long_name/fashion_mnist/cnn/adam/arm_{i:02}" for i in range(40)]
    studies = [
        first.model_copy(update={"study": name, "running": int(name.endswith(("07", "39")))})
        for name in names
    ]
    lines = drawn(progress(studies=tuple(studies)), 80, 24)
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert "160 of 480 trials" in lines[0]
    assert "left" in " ".join(lines[:2])
    at_work = [each for each in lines if "/arm_07" in each or "/arm_39" in each]
    assert len(at_work) == 2
    assert all("4/12 (1 failed)" in each and "accuracy 0.900" in each for each in at_work)
    listed = sum("/arm_" in each for each in lines)
    assert lines[-1].split() == ["...", "and", str(40 - listed), "studies", f"{4 * (40 - listed)}/"
                                 f"{12 * (40 - listed)}"]  # fmt: skip


def test_without_a_terminal_there_are_plain_lines(capsys):
    with View(progress) as view:
        view.refresh(at_once=True)
    said = capsys.readouterr().err
    assert said.splitlines() == [line(progress()), closing(progress())]
    assert "\x1b" not in said


@pytest.fixture
def places(tmp_path, monkeypatch) -> Places:
    monkeypatch.chdir(tmp_path)
    Path("artifacts").mkdir()
    return Places("quick")


def test_status_shows_the_run_of_another_process(places, capsys):
    places.progress.write_text(progress().model_dump_json())
    with held(places.lock):
        status.run("quick")
    said = capsys.readouterr().out
    assert "tuned/digits/mlp/batch: 4 of 12, 2 running, 1 failed, best accuracy 0.900" in said
    assert "running: process" in said


def test_status_says_how_a_run_that_died_goes_on(places, capsys):
    places.progress.write_text(progress().model_dump_json())
    status.run("quick")
    assert "not running; normbench sweep quick goes on from here" in capsys.readouterr().out


def test_status_without_a_run_says_what_starts_one(places):
    with pytest.raises(Refusal, match="normbench sweep quick"):
        status.run("quick")
    places.progress.write_text("{")
    with pytest.raises(Refusal, match="damaged"):
        status.run("quick")


def test_status_after_a_pull_says_that_nothing_ran_here_and_where_the_page_is(places, capsys):
    places.studies.parent.mkdir()
    places.studies.write_text("")
    status.run("quick")
    assert "came from elsewhere" in (said := capsys.readouterr().out)
    assert "reports/quick/report.html" in said
