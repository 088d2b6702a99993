"""CIFAR-10's binary archive is read as published; the pickled one, and damage, are refused.

The archives here hold a few made-up images; their digest is the test's own.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from data_permissions import somewhere, unprivileged

from pipeline.data import cifar10
from pipeline.data.source import Source
from pipeline.errors import Refusal

URL = "https://unused.invalid/cifar-10-binary.tar.gz"
GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(60, dtype=np.uint8) % 10


def batches() -> dict[str, bytes]:
    """Six batches of ten records each: a label, then the planes red, green and blue."""
    made = {}
    for n, name in enumerate(cifar10.TRAIN + cifar10.TEST):
        rows = slice(10 * n, 10 * n + 10)
        planes = IMAGES[rows].transpose(0, 3, 1, 2).reshape(10, -1)
        made[name] = np.concatenate([LABELS[rows, None], planes], axis=1).tobytes()
    return made


def archive(folder: Path, members: dict[str, bytes] | None = None) -> Path:
    file = folder / "cifar-10-binary.tar.gz"
    with tarfile.open(file, "w:gz") as made:
        for name, content in (batches() if members is None else members).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return file


def load(path: object, digest: str | None = None) -> Source:
    if digest is None:
        file = Path(str(path))
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "00"
    return cifar10.load(path=None if path is None else str(path), url=URL, digest=digest)


def refused(path: object, digest: str | None = None) -> str:
    with pytest.raises(Refusal) as refusal:
        load(path, digest)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_the_binary_archive_is_read_as_published(tmp_path: Path) -> None:
    source = load(archive(tmp_path))
    everything = np.arange(50)
    np.testing.assert_array_equal(source.examples[everything], IMAGES[:50])
    assert source.targets.tolist() == LABELS[:50].tolist()
    assert source.test_examples is not None
    assert source.test_targets is not None
    np.testing.assert_array_equal(source.test_examples[everything[:10]], IMAGES[50:])
    assert source.test_targets.tolist() == LABELS[50:].tolist()
    assert len(source.labels) == 10


def test_the_pickled_archive_is_refused_naming_the_binary_one(tmp_path: Path) -> None:
    pickled = pickle.dumps({b"data": b"", b"targets": [print]})
    file = archive(tmp_path, {"cifar-10-batches-py/data_batch_1": pickled})
    line = (
        f"{file}: is the pickled version, and pickles are never loaded; fetch the binary version, "
        f"cifar-10-binary.tar.gz, from {URL}"
    )
    assert refused(file) == line


def test_a_pickled_batch_by_itself_is_refused_likewise(tmp_path: Path) -> None:
    file = tmp_path / "data_batch_1"
    file.write_bytes(pickle.dumps({b"data": b""}))
    assert refused(file).startswith(f"{file}: is the pickled version, and pickles are never")


@pytest.mark.parametrize("name", ["../data_batch_1.bin", "/etc/passwd", "a/../../b"])
def test_an_archive_with_a_path_outside_is_refused(tmp_path: Path, name: str) -> None:
    file = archive(tmp_path, {name: b"", **batches()})
    assert refused(file) == (
        f"{file}: holds the path {name!r}, which leads outside; do not trust it, and fetch another"
    )
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("kept", [0, 1, 100, 50_000])
def test_a_truncated_archive_is_refused(tmp_path: Path, kept: int) -> None:
    file = archive(tmp_path)
    file.write_bytes(file.read_bytes()[:kept])
    assert refused(file) == (
        f"{file}: is truncated, damaged or no .tar.gz archive; fetch it again from {URL}"
    )


def test_an_archive_damaged_inside_is_refused(tmp_path: Path) -> None:
    file = archive(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert refused(file, digest="00").startswith(f"{file}: ")


def test_another_archive_is_refused_with_both_digests(tmp_path: Path) -> None:
    file = archive(tmp_path)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert refused(file, digest="0123456789abcdef").startswith(
        f"{file}: these are not the published data: expected digest 0123456789ab, "
        f"found {found[:12]};"
    )


def test_a_missing_batch_is_refused_by_name(tmp_path: Path) -> None:
    members = batches()
    del members[cifar10.TEST[0]]
    assert refused(archive(tmp_path, members)).endswith(
        ": holds no cifar-10-batches-bin/test_batch.bin; fetch it again"
    )


def test_a_batch_that_ends_within_an_image_is_refused_by_name(tmp_path: Path) -> None:
    members = batches()
    members[cifar10.TRAIN[2]] = members[cifar10.TRAIN[2]][:-1]
    assert refused(archive(tmp_path, members)).endswith(
        ": cifar-10-batches-bin/data_batch_3.bin ends within an image; fetch it again"
    )


def test_a_label_beyond_the_ten_classes_is_refused(tmp_path: Path) -> None:
    members = batches()
    members[cifar10.TRAIN[0]] = b"\x0a" + members[cifar10.TRAIN[0]][1:]
    assert "targets run from 0 to 10, but 10 classes are named" in refused(
        archive(tmp_path, members)
    )


def test_a_link_in_the_place_of_a_batch_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "linked.tar.gz"
    with tarfile.open(file, "w:gz") as made:
        link = tarfile.TarInfo(cifar10.TEST[0])
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    assert refused(file) == (
        f"{file}: {cifar10.TEST[0]} is no batch of images; fetch it again from {URL}"
    )


def test_a_missing_file_a_folder_and_a_closed_file_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent") == f"{tmp_path}/absent: does not exist; correct the path"
    assert refused(tmp_path) == (
        f"{tmp_path}: is a folder; name the archive cifar-10-binary.tar.gz, packed as published, "
        "itself"
    )
    with somewhere() as folder:
        file = archive(folder)
        file.chmod(0)
        with unprivileged():
            assert refused(file, digest="00").startswith(f"{file}: cannot be read: Permission den")


def test_no_network_says_what_to_fetch_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setenv("NORMBENCH_DOWNLOADS", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", unreachable)
    assert refused(None) == (
        f"{URL}: cannot be downloaded (Network is unreachable); fetch it elsewhere and put it at "
        f"{tmp_path}/cifar10/cifar-10-binary.tar.gz, or use dataset.source.path=FILE"
    )


def test_a_download_that_is_another_archive_says_to_remove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMBENCH_DOWNLOADS", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    file = archive(tmp_path).rename(tmp_path / "cifar10" / cifar10.NAME)
    assert refused(None).startswith(f"{file} (remove it to download it again): these are not the")
