"""Whoever prepares a dataset can tell whether the user's files behind it have changed."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.arguments import Argument
from pipeline.data.files import state_of_files
from pipeline.records import Component


def state(path: Argument) -> str | None:
    return state_of_files(Component(target="pets.load", arguments={"path": path}))


def test_a_source_without_files_of_a_users_own_has_no_state() -> None:
    assert state(None) is None
    assert state_of_files(Component(target="pets.load", arguments={})) is None


def test_a_file_that_is_written_again_has_another_state(tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    missing = state(str(file))
    file.write_bytes(b"1")
    first = state(str(file))
    assert state(str(file)) == first
    os.utime(file, ns=(0, 0))
    assert len({missing, first, state(str(file))}) == 3


def test_a_picture_that_is_added_moved_or_removed_gives_another_state(tmp_path: Path) -> None:
    seen = []
    picture = tmp_path / "train" / "cat" / "0.png"
    picture.parent.mkdir(parents=True)
    seen.append(state(str(tmp_path)))
    picture.write_bytes(b"1")
    seen.append(state(str(tmp_path)))
    (tmp_path / "train" / "dog").mkdir()
    seen.append(state(str(tmp_path)))
    picture.rename(tmp_path / "train" / "dog" / "0.png")
    seen.append(state(str(tmp_path)))
    assert len(set(seen)) == 4


def test_a_link_in_a_circle_comes_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    assert state(str(tmp_path)) == state(str(tmp_path))
