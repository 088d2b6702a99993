"""An .npz archive of one's own becomes images and labels; whatever cannot is refused by name."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_permissions import somewhere, unprivileged

from pipeline.data import npz, stored
from pipeline.data.arrays import write
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Component
from pipeline.studies import Dataset

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (30, 4, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3
PATHS = {
    "task": "classification",
    "path": None,
    "examples": "x",
    "three_axes": "pictures",
    "targets": "y",
    "test_examples": None,
    "test_targets": None,
}


def archive(folder: Path, **arrays: Any) -> Path:
    file = folder / "mine.npz"
    np.savez_compressed(file, **{"x": IMAGES, "y": LABELS, **arrays})
    return file


def load(path: object, **changes: Any) -> Source:
    arguments: dict[str, Any] = {**PATHS, "labels": None, "license": "CC0", **changes}
    return npz.load(**{**arguments, "path": path if path is None else str(path)})


def refused(path: object, **changes: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        load(path, **changes)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def digest(source: Source, folder: Path) -> str:
    component = Component(target="pipeline.data.npz.load", arguments={})
    sizes = {"train": 18, "validation": 6, "test": 6}
    dataset = Dataset(task="classification", source=component, seed=0, **sizes)
    return write(source, dataset, "mine", folder / "arrays").digest


def test_bytes_count_as_0_to_1_and_classes_are_called_by_their_numbers(tmp_path: Path) -> None:
    source = load(archive(tmp_path))
    assert isinstance(source.examples, np.ndarray)
    np.testing.assert_array_equal(source.examples[..., 0], IMAGES)
    assert source.scale == 1 / 255
    assert source.targets.tolist() == LABELS.tolist()
    assert source.labels == ("0", "1", "2")
    assert source.source == "archive mine.npz"


@pytest.mark.parametrize(
    ("given", "shape"),
    [((4, 3, 2), (4, 3, 2)), ((4, 3), (4, 3, 1)), ((12,), (12,))],
)
def test_examples_may_be_pictures_with_or_without_channels_or_rows(
    tmp_path: Path, given: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    source = load(archive(tmp_path, x=np.ones((30, *given), np.uint8)))
    assert source.examples.shape == (30, *shape)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_floating_point_images_are_taken_as_they_are_in_single_precision(
    tmp_path: Path, dtype: Any
) -> None:
    source = load(archive(tmp_path, x=(IMAGES / 4).astype(dtype)))
    assert source.scale == 1.0
    assert source.examples.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(source.examples)[..., 0], IMAGES / np.float32(4))


def test_arrays_may_have_other_names_and_a_test_split(tmp_path: Path) -> None:
    file = archive(tmp_path, pictures=IMAGES, digits=LABELS, a=IMAGES[:3], b=LABELS[:3])
    keys = {"examples": "pictures", "targets": "digits", "test_examples": "a", "test_targets": "b"}
    source = load(file, **keys, labels=("cat", "dog", "emu"))
    assert source.labels == ("cat", "dog", "emu")
    assert source.test_targets is not None
    assert source.test_targets.tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, ">f4"])
def test_large_images_stay_on_disk_and_give_the_same_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Any
) -> None:
    file = archive(tmp_path, x=IMAGES.astype(dtype))
    in_memory = load(file)
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    on_disk = load(file)
    assert isinstance(in_memory.examples, np.ndarray)
    assert isinstance(on_disk.examples, stored.Stored)
    assert digest(on_disk, tmp_path / "a") == digest(in_memory, tmp_path / "b")


def test_large_images_in_fortran_order_are_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    source = load(archive(tmp_path, x=np.asfortranarray(IMAGES)))
    np.testing.assert_array_equal(np.asarray(source.examples)[..., 0], IMAGES)


def test_no_room_to_unpack_large_images_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = archive(tmp_path)
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    monkeypatch.setattr("shutil.copyfileobj", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert refused(file) == (
        f"{file}: no space left in {tmp_path} to unpack it; free some, or let TMPDIR name a "
        "folder with more"
    )


def test_a_large_array_cut_off_within_the_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive(tmp_path)
    with zipfile.ZipFile(whole) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    cut = tmp_path / "cut.npz"
    with zipfile.ZipFile(cut, "w") as made:
        made.writestr("x.npy", content["x.npy"][:-1])
        made.writestr("y.npy", content["y.npy"])
    lines = [refused(cut)]
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    lines.append(refused(cut))
    damaged = f"{cut}: array 'x' is damaged; remove the archive and fetch it again"
    assert lines == [damaged, damaged]


def test_a_missing_path_is_refused() -> None:
    assert refused(None) == (
        "dataset.source.path: names nothing; add dataset.source.path=PATH to name an .npz archive"
    )


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "absent.npz"
    assert refused(file) == f"{file}: does not exist; correct the path"


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}: is a folder; name an .npz archive itself"


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with somewhere() as folder:
        file = archive(folder)
        file.chmod(0)
        with unprivileged():
            assert refused(file) == (
                f"{file}: cannot be read: Permission denied; correct the path or its permissions"
            )


def test_a_file_in_a_folder_that_is_closed_to_us_is_refused() -> None:
    with somewhere() as folder:
        file = archive(folder)
        folder.chmod(0o700)
        with unprivileged():
            assert refused(file) == (
                f"{file}: cannot be read: Permission denied; correct the path or its permissions"
            )


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    file = archive(tmp_path)
    file.write_bytes(file.read_bytes()[:-30])
    assert refused(file) == (
        f"{file}: is truncated or not an .npz archive; remove it and fetch it again"
    )


def test_an_archive_damaged_inside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = archive(tmp_path)
    content = bytearray(file.read_bytes())
    content[250] ^= 0xFF  # within the compressed images
    file.write_bytes(content)
    monkeypatch.setattr(npz, "LARGE_BYTES", 1 << 40)
    whole = refused(file)
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    assert refused(file) == whole
    assert whole.startswith(f"{file}: the archive is damaged or encrypted;")


def test_a_missing_array_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    assert refused(archive(tmp_path, labels=LABELS), targets="lables").startswith(
        f"{tmp_path}/mine.npz: holds no array 'lables'; did you mean 'labels'?"
    )


@pytest.mark.parametrize("key", ["x", "y"])
def test_a_pickled_array_is_refused_and_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    file = archive(tmp_path, **{key: np.array([print, None], dtype=object)})
    expected = (
        f"{file}: array {key!r} is pickled, and pickles are never loaded; save it as plain numbers"
    )
    assert refused(file) == expected
    monkeypatch.setattr(npz, "LARGE_BYTES", 1)
    assert refused(file) == expected


@pytest.mark.parametrize("name", ["../x.npy", "/etc/x.npy", "a/../../x.npy", "C:\\x.npy", "..\\x"])
def test_an_archive_with_a_path_outside_is_refused(tmp_path: Path, name: str) -> None:
    file = archive(tmp_path)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr(name, b"")
    assert refused(file) == (
        f"{file}: holds the path {name!r}, which leads outside; do not trust it, and fetch another"
    )


def test_an_array_larger_than_any_memory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.npz"
    header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 50, 2, 2)}
    with zipfile.ZipFile(file, "w") as opened, opened.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(file, "a") as opened, opened.open("y.npy", "w") as member:
        np.lib.format.write_array(member, LABELS)
    assert refused(file).startswith(f"{file}: array 'x' does not fit into memory;")


def test_images_and_labels_of_different_lengths_are_refused(tmp_path: Path) -> None:
    line = refused(archive(tmp_path, y=LABELS[:-1]))
    assert (
        line == "archive mine.npz: 30 examples but 29 targets; take both from the same publication"
    )


@pytest.mark.parametrize(
    ("targets", "way_out"),
    [
        (
            LABELS.astype(float),
            "holds float64 (30,); targets are whole numbers of shape (n,): try a",
        ),
        (LABELS == 1, "holds bool (30,)"),
        (np.array(["cat"] * 30), "holds <U3 (30,)"),
        (np.eye(3)[LABELS], "holds float64 (30, 3); targets are whole numbers of shape (n,): try"),
    ],
)
def test_labels_that_are_not_whole_numbers_are_refused(
    tmp_path: Path, targets: Any, way_out: str
) -> None:
    assert f"mine.npz: array 'y' {way_out}" in refused(archive(tmp_path, y=targets))


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (LABELS + 1, "3 different targets run from 1 to 3; they must be 0 .. 2, each of them used"),
        (LABELS * 2, "3 different targets run from 0 to 4; they must be 0 .. 2, each of them used"),
        (
            LABELS - 1,
            "3 different targets run from -1 to 1; they must be 0 .. 2, each of them used",
        ),
    ],
)
def test_labels_that_are_not_0_to_classes_minus_1_are_refused(
    tmp_path: Path, targets: Any, says: str
) -> None:
    assert refused(archive(tmp_path, y=targets)).endswith(f"mine.npz: array 'y': {says}")


def test_targets_in_a_column_are_taken_as_they_are(tmp_path: Path) -> None:
    assert load(archive(tmp_path, y=LABELS[:, None])).targets.tolist() == LABELS.tolist()


def test_labels_beyond_the_named_classes_are_refused(tmp_path: Path) -> None:
    line = refused(archive(tmp_path), labels=("cat", "dog"))
    assert "targets run from 0 to 2, but 2 classes are named" in line


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("large_bytes", [1, 1 << 40])
def test_images_with_a_value_that_is_not_finite_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, large_bytes: int
) -> None:
    monkeypatch.setattr(npz, "LARGE_BYTES", large_bytes)
    images = IMAGES.astype(float)
    images[7, 0, 0] = value
    with pytest.raises(Refusal) as refusal:
        digest(load(archive(tmp_path, x=images)), tmp_path)
    assert str(refusal.value) == (
        "archive mine.npz: an example holds a value that is not finite; repair or remove it"
    )
    assert not (tmp_path / "arrays").exists()


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    line = refused(archive(tmp_path, y=LABELS * 0))
    assert line == "archive mine.npz: a classifier needs at least two classes, found '0'"


def test_a_class_too_small_to_split_is_refused_by_name(tmp_path: Path) -> None:
    source = load(archive(tmp_path, y=np.array([1] + [0] * 29)))
    with pytest.raises(Refusal, match="class '1' has 1 of 30 examples, too few to appear in"):
        digest(source, tmp_path)


@pytest.mark.parametrize("images", [IMAGES.astype(np.int64), IMAGES[0, 0], IMAGES > 3])
def test_images_of_another_kind_are_refused(tmp_path: Path, images: Any) -> None:
    line = refused(archive(tmp_path, x=images))
    assert line.startswith(f"{tmp_path}/mine.npz: array 'x' holds {images.dtype} {images.shape};")


def test_no_images_at_all_are_refused(tmp_path: Path) -> None:
    line = refused(archive(tmp_path, x=IMAGES[:0], y=LABELS[:0]))
    assert line == f"{tmp_path}/mine.npz: array 'y' is empty; name one with a target per example"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test_examples": "x"}, "test_examples and test_targets come together; name both"),
        ({"examples": 3}, "are named by text, got 3"),
        ({"labels": "abc"}, "must be a list of different names, got 'abc'"),
        ({"labels": ("a", "b", "a")}, "must be a list of different names"),
        ({"labels": (1, 2, 3)}, "must be null or a list of names, got (1, 2, 3)"),
    ],
)
def test_arguments_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    line = refused(archive(tmp_path), **changes)
    assert line.startswith("dataset.source")
    assert says in line


@pytest.mark.parametrize(("three_axes", "shape"), [("pictures", (4, 3, 1)), ("sequences", (4, 3))])
def test_the_file_says_what_three_axes_are(
    tmp_path: Path, three_axes: str, shape: tuple[int, ...]
) -> None:
    assert load(archive(tmp_path), three_axes=three_axes).examples.shape == (30, *shape)


@pytest.mark.parametrize("shape", [(30,), (30, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.int16])
def test_numbers_to_predict_are_taken_as_they_are(
    tmp_path: Path, shape: tuple[int, ...], dtype: Any
) -> None:
    numbers = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    source = load(archive(tmp_path, y=numbers), task="regression")
    assert source.labels == ()
    assert source.targets.dtype == np.float32
    assert source.targets.tolist() == numbers.tolist()


@pytest.mark.parametrize(
    ("arrays", "changes", "says"),
    [
        ({"y": np.array(["a"] * 30)}, {}, "array 'y' holds <U1 (30,); targets are numbers of"),
        ({"y": np.full(30, np.nan)}, {}, "archive mine.npz: a target is not finite"),
        ({}, {"labels": ("a", "b", "c")}, "labels: names classes, but regression has none"),
        ({}, {"task": "ranking"}, "task: is 'ranking' (valid: classification, regression)"),
        ({}, {"three_axes": "picture"}, "three_axes: is 'picture'; did you mean 'pictures'?"),
    ],
)
def test_numbers_that_cannot_be_predicted_are_refused(
    tmp_path: Path, arrays: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    assert says in refused(archive(tmp_path, **arrays), **{"task": "regression", **changes})


@pytest.mark.parametrize(
    ("images", "way_out"),
    [
        (np.zeros((30, 4, 3), np.uint16), "; divide them by their largest value, if that is 65535"),
        (np.zeros((30, 4, 3), np.bool_), "; try astype('float32')"),
        (
            np.zeros((30, 3, 8, 8), np.uint8),
            "channels come first; save numpy.moveaxis(array, 1, 3)",
        ),
    ],
)
def test_images_in_another_form_are_refused_with_the_way_out(
    tmp_path: Path, images: Any, way_out: str
) -> None:
    assert refused(archive(tmp_path, x=images)).endswith(way_out)
