"""A path that a user gave is there and of the kind that is due, or one line says what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.data.paths import file_at, folder_at, named, shown
from pipeline.errors import Refusal


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_says_how_to_name_one(path: object) -> None:
    with pytest.raises(Refusal) as refusal:
        named(path, "an archive")
    assert str(refusal.value) == (
        "dataset.source.path: names nothing; add dataset.source.path=PATH to name an archive"
    )


@pytest.mark.parametrize("path", [3, True, ("a", "b"), "a\0b", 0.5])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(Refusal, match=r"^dataset.source.path: must be the path of an archive, got"):
        named(path, "an archive")


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert named("~/mine", "an archive") == Path("/home/somebody/mine")
    with pytest.raises(Refusal, match="write the path in full"):
        named("~nobody-of-this-name/mine", "an archive")


def test_a_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert file_at(str(file), "an archive") == file
    assert folder_at(str(tmp_path), "a folder") == tmp_path
    with pytest.raises(Refusal, match="is a folder; name an archive itself"):
        file_at(str(tmp_path), "an archive")
    with pytest.raises(Refusal, match="is a file, not a folder; name a folder, and unpack it if"):
        folder_at(str(file), "a folder")


@pytest.mark.parametrize("name", ["absent", "file/below", "x" * 300])
def test_what_does_not_exist_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match=r"does not exist; correct the path$|File name too long"):
        file_at(str(tmp_path / name), "an archive")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refusal, match="pipe: is neither a file nor a folder"):
        file_at(str(tmp_path / "pipe"), "an archive")
    with pytest.raises(Refusal, match="/dev/zero: is neither a file nor a folder"):
        file_at("/dev/zero", "an archive")


def test_what_cannot_be_printed_is_shown_escaped() -> None:
    assert shown("/a/b c.png") == "/a/b c.png"
    assert shown("/a/é.png") == "/a/é.png"
    assert shown("/a/\x1b[2J\n.png") == r"'/a/\x1b[2J\n.png'"
    assert shown(os.fsdecode(b"/a/\xff.png")) == r"'/a/\udcff.png'"
