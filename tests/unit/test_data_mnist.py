"""MNIST from an archive, from idx files and from a server is the same MNIST, or is refused.

The archives here hold a few made-up digits; their digest is the test's own.
"""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_permissions import somewhere, unprivileged

from pipeline.data import mnist
from pipeline.data.digest import arrays_digest
from pipeline.data.idx import STEMS
from pipeline.errors import Refusal

GENERATOR = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "x_train": GENERATOR.integers(0, 256, (20, 3, 2), dtype=np.uint8),
    "y_train": np.arange(20, dtype=np.uint8) % 10,
    "x_test": GENERATOR.integers(0, 256, (10, 3, 2), dtype=np.uint8),
    "y_test": np.arange(10, dtype=np.uint8),
}
DIGEST = arrays_digest(
    {
        "images": ARRAYS["x_train"].reshape(20, 3, 2, 1),
        "labels": ARRAYS["y_train"].astype(np.int64),
        "test_images": ARRAYS["x_test"].reshape(10, 3, 2, 1),
        "test_labels": ARRAYS["y_test"].astype(np.int64),
    }
)


def archive(folder: Path, **changes: Any) -> Path:
    file = folder / "digits.npz"
    arrays = {**ARRAYS, **changes}
    np.savez_compressed(file, **{key: array for key, array in arrays.items() if array is not None})
    return file


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def idx_folder(folder: Path, *, gzipped: bool, dot: str = "-") -> Path:
    for key, stem in STEMS.items():
        name = f"{stem}{dot}idx{ARRAYS[key].ndim}-ubyte"
        content = idx_bytes(ARRAYS[key])
        if gzipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def load(path: Path, digest: str = DIGEST) -> Any:
    return mnist.load(path=str(path), url="unused", digest=digest, classes=None)


def refused(path: Path, digest: str = DIGEST) -> str:
    with pytest.raises(Refusal) as refusal:
        load(path, digest)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_an_archive_is_read_as_published(tmp_path: Path) -> None:
    source = load(archive(tmp_path))
    np.testing.assert_array_equal(source.examples[..., 0], ARRAYS["x_train"])
    np.testing.assert_array_equal(source.test_examples[..., 0], ARRAYS["x_test"])
    assert source.targets.tolist() == ARRAYS["y_train"].tolist()
    assert source.test_targets.tolist() == ARRAYS["y_test"].tolist()
    assert source.targets.dtype == np.int64
    assert source.scale == 1 / 255


@pytest.mark.parametrize(("gzipped", "dot"), [(True, "-"), (False, "-"), (False, ".")])
def test_idx_files_give_the_digest_of_the_archive(tmp_path: Path, gzipped: bool, dot: str) -> None:
    source = load(idx_folder(tmp_path, gzipped=gzipped, dot=dot))
    np.testing.assert_array_equal(source.examples[..., 0], ARRAYS["x_train"])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "absent.npz"
    assert refused(file) == f"{file}: does not exist; correct the path"


@pytest.mark.parametrize("path", [3, True, "", ("a", "b")])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(Refusal, match=r"^dataset.source.path: (must be the path of|names nothing)"):
        mnist.load(path=path, url="unused", digest=DIGEST, classes=None)


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMBENCH_DOWNLOADS", "/nowhere")
    with pytest.raises(Refusal, match=r"^3: is not an http\(s\) address; for a file, use"):
        mnist.load(path=None, url=3, digest=DIGEST, classes=None)  # type: ignore[arg-type]


def test_files_that_may_not_be_read_are_refused_by_name() -> None:
    with somewhere() as folder:
        file = archive(folder)
        idx = idx_folder(folder, gzipped=True) / "t10k-labels-idx1-ubyte.gz"
        for each in (file, idx):
            each.chmod(0)
        with unprivileged():
            denied = "cannot be read: Permission denied; correct the path or its permissions"
            assert refused(file) == f"{file}: {denied}"
            assert refused(folder) == f"{idx}: {denied}"
        folder.chmod(0o444)  # may be listed, but not entered
        with unprivileged():
            assert refused(folder) == f"{folder}: {denied}"


def test_an_archive_with_a_path_outside_is_refused(tmp_path: Path) -> None:
    file = archive(tmp_path)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("../x_train.npy", b"")
    assert refused(file).startswith(f"{file}: holds the path '../x_train.npy', which leads outside")


def test_a_folder_without_idx_files_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).startswith(f"{tmp_path}: holds no train-images-idx3-ubyte (nor ")


def test_a_truncated_archive_is_refused_by_name(tmp_path: Path) -> None:
    file = archive(tmp_path)
    file.write_bytes(file.read_bytes()[:-30])
    assert refused(file) == (
        f"{file}: is truncated or not an .npz archive; remove it and fetch it again"
    )


def test_an_archive_damaged_inside_is_refused_by_name(tmp_path: Path) -> None:
    file = archive(tmp_path)
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF  # within the first compressed array
    file.write_bytes(content)
    assert refused(file).startswith(f"{file}: the archive is damaged or encrypted;")


def test_a_missing_key_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    file = archive(tmp_path, y_test=None, y_tset=ARRAYS["y_test"])
    assert refused(file).startswith(f"{file}: holds no array 'y_test'; did you mean 'y_tset'?")


def test_a_pickled_array_is_refused_and_not_loaded(tmp_path: Path) -> None:
    file = archive(tmp_path, y_train=np.array([print, None], dtype=object))
    assert refused(file).startswith(f"{file}: array 'y_train' is pickled, and pickles are never")


def test_an_array_with_a_damaged_header_is_refused_by_name(tmp_path: Path) -> None:
    file = archive(tmp_path, y_test=None)
    header = b"\x93NUMPY\x01\x00" + struct.pack("<H", 12) + b"{'descr': '|"
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("y_test.npy", header)
    assert refused(file).startswith(f"{file}: array 'y_test' is damaged;")


@pytest.mark.parametrize("cut", [1, 10_000])
def test_a_truncated_gzip_file_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    file = idx_folder(tmp_path, gzipped=True) / "t10k-labels-idx1-ubyte.gz"
    content = file.read_bytes()
    file.write_bytes(content[: max(3, len(content) - cut)])
    assert refused(tmp_path) == (
        f"{file}: the gzip archive is truncated or damaged; fetch it again"
    )


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (2, "is not an idx file of unsigned bytes"),
        (9, "is truncated within its header"),
        (20, "is truncated or too long: 4 bytes for shape (20, 3, 2)"),
    ],
)
def test_a_truncated_idx_file_is_refused_by_name(tmp_path: Path, kept: int, message: str) -> None:
    file = idx_folder(tmp_path, gzipped=False) / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:kept])
    assert refused(tmp_path) == f"{file}: {message}; fetch it again"


def test_images_and_labels_of_different_lengths_are_refused(tmp_path: Path) -> None:
    file = archive(tmp_path, y_train=ARRAYS["y_train"][:-1])
    assert refused(file).startswith(f"{file}: train: 20 examples but 19 targets;")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": ARRAYS["x_train"] / 255}, "train images are float64 (20, 3, 2); save them"),
        ({"y_test": np.zeros((10, 1), int)}, "test labels are int64 (10, 1); save them"),
        ({"y_test": np.zeros(10)}, "test labels are float64 (10,); save them"),
    ],
)
def test_arrays_that_are_not_as_published_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    file = archive(tmp_path, **changes)
    assert message in refused(file)


def test_other_digits_are_refused_with_both_digests(tmp_path: Path) -> None:
    file = archive(tmp_path, x_test=255 - ARRAYS["x_test"])
    line = refused(file)
    assert line.startswith(f"{file}: these are not the published data")
    assert f"expected digest {DIGEST[:12]}, found " in line


def test_a_download_with_other_digits_says_which_file_to_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMBENCH_DOWNLOADS", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    kept = archive(tmp_path).rename(tmp_path / "mnist" / "mnist.npz")
    source = mnist.load(path=None, url="https://unused.invalid", digest=DIGEST, classes=None)
    assert source.targets.size == 20
    with pytest.raises(Refusal) as refusal:
        mnist.load(path=None, url="https://unused.invalid", digest="00", classes=None)
    assert str(refusal.value).startswith(f"{kept} (remove it to download it again): ")
