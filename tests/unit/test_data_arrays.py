"""Prepared arrays are the same bytes each time, and are refused once they are others."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from data_permissions import somewhere, unprivileged

from pipeline.data import arrays
from pipeline.data.arrays import open_split, read_manifest, verify, write
from pipeline.data.npy import write_pieces
from pipeline.data.prepared import is_prepared
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Component
from pipeline.studies import Dataset

# image i is filled with the byte i, so that an image says which one it is
IMAGES = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
LABELS = np.arange(100) // 50


def source(**changes: Any) -> Source:
    content: dict[str, Any] = {
        "examples": IMAGES,
        "targets": LABELS,
        "labels": ("low", "high"),
        "test_examples": None,
        "test_targets": None,
        "scale": 0.5,
        "source": "numbers",
        "license": "CC0",
    }
    return Source(**{**content, **changes})


def dataset(**changes: Any) -> Dataset:
    component = Component(target="numbers.load", arguments={})
    content = {"task": "classification", "source": component, "seed": 0}
    content |= {"train": 60, "validation": 20, "test": 20}
    return Dataset(**{**content, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "numbers"
    write(source(), dataset(), "numbers", place)
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_labels_stay_with_their_images(folder: Path) -> None:
    seen: list[int] = []
    for split in ("train", "validation", "test"):
        images, labels = open_split(folder, split)
        assert (images[:, 0, 0, 0] // 50).tolist() == labels.tolist()
        seen.extend(images[:, 0, 0, 0].tolist())
    assert sorted(seen) == list(range(100))


@pytest.mark.parametrize(
    ("examples", "called"), [(IMAGES, "images"), (IMAGES[:, 0, 0], "examples")]
)
def test_pictures_are_called_images(tmp_path: Path, examples: Any, called: str) -> None:
    write(source(examples=examples), dataset(), "numbers", tmp_path / "numbers")
    names = {"manifest.json"}
    names |= {f"{split}_{what}.npy" for split in arrays.SPLITS for what in (called, "targets")}
    assert contents(tmp_path / "numbers").keys() == names
    found = arrays.examples_file(tmp_path / "numbers", "test")
    assert found == tmp_path / "numbers" / f"test_{called}.npy"


@pytest.mark.parametrize("lost", ["manifest.json", "train_images.npy", "test_targets.npy"])
def test_a_folder_that_lost_a_file_is_not_prepared(folder: Path, lost: str) -> None:
    assert is_prepared(folder)
    (folder / lost).unlink()
    assert not is_prepared(folder)
    assert not is_prepared(folder / "nowhere")


def test_the_manifest_says_what_was_written(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.shape == (2, 3, 1)
    assert manifest.examples == {"train": 60, "validation": 20, "test": 20}
    assert manifest.label_counts["train"] == (30, 30)
    assert (manifest.name, manifest.source, manifest.license) == ("numbers", "numbers", "CC0")
    assert verify(folder) == manifest


def test_writing_twice_gives_the_same_bytes(folder: Path) -> None:
    first = contents(folder)
    write(source(), dataset(), "numbers", folder)
    assert contents(folder) == first
    assert [each.name for each in folder.parent.iterdir()] == ["numbers"]


def test_another_seed_or_scale_gives_another_digest(tmp_path: Path) -> None:
    digests = {
        write(source(scale=scale), dataset(seed=seed), "numbers", tmp_path / "numbers").digest
        for scale, seed in [(0.5, 0), (0.5, 1), (1.0, 0)]
    }
    assert len(digests) == 3


def test_opened_images_are_mapped_and_cannot_be_written_to(folder: Path) -> None:
    images, labels = open_split(folder, "train")
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        labels[0] = 1


def test_the_publishers_test_split_is_kept_apart(tmp_path: Path) -> None:
    published = source(test_examples=IMAGES[:9] + np.uint8(150), test_targets=LABELS[:9])
    manifest = write(published, dataset(test="publisher"), "numbers", tmp_path / "numbers")
    images, _ = open_split(tmp_path / "numbers", "test")
    assert manifest.examples["test"] == 9
    assert sorted(images[:, 0, 0, 0].tolist()) == list(range(150, 159))


def test_a_publisher_without_a_test_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"^dataset numbers: test is 'publisher', but numbers brings"):
        write(source(), dataset(test="publisher"), "numbers", tmp_path / "numbers")
    assert list(tmp_path.iterdir()) == []


class Lazy:
    """Images that are read when they are asked for, as they lie in IMAGES."""

    shape = IMAGES.shape
    dtype = IMAGES.dtype

    def __init__(self) -> None:
        self.most = 0

    def __len__(self) -> int:
        return len(IMAGES)

    def __getitem__(self, chosen: Any) -> Any:
        self.most = max(self.most, len(chosen))
        return IMAGES[chosen]


def test_images_on_disk_are_read_piece_by_piece_and_give_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "PIECE_BYTES", 25)  # four images of 6 bytes
    lazy = Lazy()
    write(source(examples=lazy), dataset(), "numbers", tmp_path / "lazy")
    assert lazy.most == 4
    assert contents(tmp_path / "lazy") == contents(folder)


def test_images_that_are_not_what_their_code_announced_are_refused(tmp_path: Path) -> None:
    lazy = Lazy()
    lazy.shape = (100, 2, 4, 1)
    with pytest.raises(
        Refusal, match=r"examples are uint8 \(2, 4, 1\), but some came as uint8 \(2, 3"
    ):
        write(source(examples=lazy), dataset(), "numbers", tmp_path / "numbers")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", range(6))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_leaves_the_old_arrays_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, failing: int
) -> None:
    first = contents(folder)
    calls = 0

    def full(*given: Any) -> str:
        nonlocal calls
        calls += 1
        if calls > failing:
            given[0].write_bytes(b"half an array")
            raise OSError(code, "No space left on device")
        return write_pieces(*given)

    monkeypatch.setattr(arrays, "write_pieces", full)
    with pytest.raises(Refusal) as refusal:
        write(source(), dataset(seed=1), "numbers", folder)
    assert str(refusal.value) == (
        f"{folder}: needs 0.0 MB of free disk, No space left on device; free as much, or ask for "
        "fewer or smaller examples; nothing half-written is left"
    )
    assert contents(folder) == first
    assert [each.name for each in folder.parent.iterdir()] == ["numbers"]


def test_too_little_disk_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300))
    with pytest.raises(
        Refusal, match=r"numbers: needs 0.0 MB of free disk, there are 0.0 MB; free"
    ):
        write(source(), dataset(), "numbers", tmp_path / "numbers")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError, Refusal])
def test_whatever_interrupts_it_leaves_the_old_arrays_alone(
    folder: Path, interruption: type[BaseException]
) -> None:
    class Interrupted(Lazy):
        def __getitem__(self, chosen: Any) -> Any:
            raise interruption

    first = contents(folder)
    with pytest.raises(interruption):
        write(source(examples=Interrupted()), dataset(seed=1), "numbers", folder)
    assert contents(folder) == first
    assert [each.name for each in folder.parent.iterdir()] == ["numbers"]


def test_what_a_killed_run_left_is_replaced_and_never_taken_for_whole(tmp_path: Path) -> None:
    left = tmp_path / ".numbers.partial"
    left.mkdir()
    (left / "train_images.npy").write_bytes(b"half an array")
    write(source(), dataset(), "numbers", tmp_path / "numbers")
    assert [each.name for each in tmp_path.iterdir()] == ["numbers"]
    verify(tmp_path / "numbers")


def test_a_place_that_may_not_be_written_to_is_refused() -> None:
    with somewhere() as folder, unprivileged(), pytest.raises(Refusal) as refusal:
        write(source(), dataset(), "numbers", folder / "numbers")
    assert str(refusal.value) == (
        f"{folder}/numbers: cannot be written: Permission denied; nothing half-written is left"
    )


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arrays").touch()
    with pytest.raises(Refusal, match=r"arrays/numbers: cannot be written: Not a directory;"):
        write(source(), dataset(), "numbers", tmp_path / "arrays" / "numbers")


@pytest.mark.parametrize("array", ["train_images", "train_targets"])
@pytest.mark.parametrize("kept", [0, 5, 70, 150])
def test_a_truncated_file_is_refused_by_name(folder: Path, array: str, kept: int) -> None:
    file = folder / f"{array}.npy"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Refusal) as refusal:
        open_split(folder, "train")
    assert str(refusal.value) == f"{file}: is truncated or damaged; run prepare again"


def test_a_damaged_header_is_refused_by_name(folder: Path) -> None:
    file = folder / "test_targets.npy"
    content = bytearray(file.read_bytes())
    content[8] = 12  # the header's length: numpy's parser then meets half a header
    file.write_bytes(content)
    with pytest.raises(Refusal) as refusal:
        open_split(folder, "test")
    assert str(refusal.value) == f"{file}: is truncated or damaged; run prepare again"


@pytest.mark.parametrize("array", ["validation_images", "validation_targets"])
def test_one_changed_byte_is_refused_by_name(folder: Path, array: str) -> None:
    file = folder / f"{array}.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    for check in (lambda: open_split(folder, "validation"), lambda: verify(folder)):
        with pytest.raises(Refusal) as refusal:
            check()
        assert str(refusal.value) == (
            f"{file}: was edited since it was prepared; run prepare again"
        )


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    (folder / "test_targets.npy").unlink()
    with pytest.raises(Refusal, match=r"test_targets.npy: is missing; run prepare again$"):
        open_split(folder, "test")


def test_a_missing_or_damaged_manifest_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    text = file.read_text()
    file.write_text(text[:-5])
    with pytest.raises(Refusal, match=r"manifest.json: is damaged; run prepare again$"):
        read_manifest(folder)
    file.unlink()
    with pytest.raises(Refusal, match=r"manifest.json: is missing; run prepare again$"):
        open_split(folder, "train")


def test_an_edited_scale_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "scale": 1.0}))
    with pytest.raises(Refusal, match=r"manifest.json: was edited; run prepare again$"):
        open_split(folder, "train")


def test_targets_that_are_numbers_have_a_variance_for_each_split(tmp_path: Path) -> None:
    numbers = np.stack([np.arange(100), 2 * np.arange(100)], axis=1).astype(np.float32)
    place = tmp_path / "numbers"
    manifest = write(source(targets=numbers, labels=()), dataset(), "numbers", place)
    assert (manifest.labels, manifest.label_counts, manifest.outputs) == ((), {}, 2)
    for split in ("train", "validation", "test"):
        examples, targets = open_split(place, split)
        assert targets.dtype == np.float32
        assert (examples[:, 0, 0, 0] == targets[:, 0]).all()
        # var(2x) = 4 var(x); the mean over both is 5/2 of the first
        assert manifest.spread[split] == pytest.approx(2.5 * targets[:, 0].astype(float).var())


def test_one_number_per_example_is_stored_as_a_column(tmp_path: Path) -> None:
    numbers = np.arange(100, dtype=np.float32)
    write(source(targets=numbers, labels=()), dataset(), "numbers", tmp_path / "numbers")
    assert open_split(tmp_path / "numbers", "test")[1].shape == (20, 1)


def test_what_is_fitted_sees_the_training_examples_and_is_what_is_written(tmp_path: Path) -> None:
    asked: list[list[int]] = []

    def fitted(train: Any) -> Source:
        asked.append(IMAGES[train, 0, 0, 0].tolist())
        return source(examples=IMAGES + np.uint8(100), source="fitted numbers")

    manifest = write(source(fitted=fitted), dataset(), "numbers", tmp_path / "numbers")
    examples, _ = open_split(tmp_path / "numbers", "train")
    assert asked == [(examples[:, 0, 0, 0] - 100).tolist()]
    assert manifest.source == "fitted numbers"
