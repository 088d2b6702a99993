"""Outputs stay where they were made of the same and lie there unedited; else they are made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.stages.made import made_once


class Stage:
    """Writes two files into a folder, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.note, self.outputs = folder / "notes" / "some.json", folder / "outputs"
        self.times = 0

    def run(self, of: str) -> str:
        return made_once(self.note, of, lambda: self.outputs.glob("*"), lambda: self.make(of))

    def make(self, of: str) -> str:
        self.times += 1
        self.outputs.mkdir(exist_ok=True)
        for name in ("one", "two"):
            (self.outputs / name).write_text(f"{name} of {of}")
        return f"made of {of}"


@pytest.fixture
def stage(tmp_path) -> Stage:
    made = Stage(tmp_path)
    assert made.run("a") == "made of a"
    assert made.times == 1
    return made


def test_outputs_of_the_same_are_made_once_and_the_line_is_told_again(stage):
    assert stage.run("a") == "made of a"
    assert stage.times == 1


def test_outputs_of_something_else_are_made_anew(stage):
    assert stage.run("b") == "made of b"
    assert (stage.outputs / "one").read_text() == "one of b"
    stage.run("a")
    assert stage.times == 3


def edit(stage: Stage) -> None:
    (stage.outputs / "one").write_text("one, edited")


def remove(stage: Stage) -> None:
    (stage.outputs / "two").unlink()


def add(stage: Stage) -> None:
    (stage.outputs / "three").write_text("by somebody")


def lose(stage: Stage) -> None:
    stage.note.unlink()


@pytest.mark.parametrize("change", [edit, remove, add, lose])
def test_outputs_that_are_not_as_they_were_made_are_made_anew(stage, change):
    change(stage)
    stage.run("a")
    assert stage.times == 2
    assert (stage.outputs / "one").read_text() == "one of a"
    assert (stage.outputs / "two").exists()
    stage.run("a")
    assert stage.times == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"of": "a"}'])
def test_a_damaged_note_is_none(stage, text):
    stage.note.write_text(text)
    stage.run("a")
    assert stage.times == 2


def test_a_stage_that_fails_notes_nothing(stage):
    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made_once(stage.note, "b", lambda: stage.outputs.glob("*"), fail)
    stage.run("a")
    assert stage.times == 1
