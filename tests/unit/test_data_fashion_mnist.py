"""Fashion-MNIST comes from a user's files, from Debian's package, or from its publisher."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.data import fashion_mnist
from pipeline.data.digest import arrays_digest
from pipeline.data.idx import STEMS, published_name
from pipeline.data.source import Source
from pipeline.errors import Refusal

URL = "http://unused.invalid/fashion"
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
CONF = yaml.safe_load(
    (Path(__file__).parents[2] / "conf" / "dataset" / "fashion_mnist.yaml").read_text()
)["source"]
PACKAGE = Path(CONF["package"])


def idx_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for key, stem in STEMS.items():
        array = ARRAYS[key]
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content = gzip.compress(header + array.tobytes())
        (folder / f"{published_name(stem)}.gz").write_bytes(content)
    return folder


def load(
    path: object, package: object, digest: str = DIGEST, classes: list[int] | None = None
) -> Source:
    return fashion_mnist.load(
        path=None if path is None else str(path),
        package=str(package),
        url=URL,
        digest=digest,
        classes=classes,
    )


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setenv("NORMBENCH_DOWNLOADS", str(tmp_path / "downloads"))
    monkeypatch.setattr("pooch.retrieve", unreachable)
    return tmp_path / "downloads"


def test_the_package_is_found_without_being_told(tmp_path: Path) -> None:
    source = load(None, idx_folder(tmp_path / "package"))
    np.testing.assert_array_equal(np.asarray(source.examples)[..., 0], ARRAYS["x_train"])
    assert source.labels[9] == "Ankle boot"


def test_some_classes_are_taken_from_both_splits_and_count_from_0(tmp_path: Path) -> None:
    source = load(None, idx_folder(tmp_path / "package"), classes=[9, 3])
    assert source.labels == ("Ankle boot", "Dress")
    for split, examples, targets in (
        ("train", source.examples, source.targets),
        ("test", source.test_examples, source.test_targets),
    ):
        of_all = ARRAYS[f"y_{split}"]
        chosen = np.flatnonzero(np.isin(of_all, [9, 3]))
        np.testing.assert_array_equal(targets, np.where(of_all[chosen] == 9, 0, 1))
        np.testing.assert_array_equal(np.asarray(examples)[..., 0], ARRAYS[f"x_{split}"][chosen])
    with pytest.raises(Refusal, match=r"dataset.source.classes=\[9, 10\]: must be two or more"):
        load(None, idx_folder(tmp_path / "package"), classes=[9, 10])


def test_a_path_goes_before_the_package(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    assert len(load(idx_folder(tmp_path / "mine"), package).targets) == 20
    np.savez(tmp_path / "mine.npz", **ARRAYS)
    assert len(load(tmp_path / "mine.npz", package).targets) == 20


def test_without_the_package_a_download_that_was_kept_is_taken(
    tmp_path: Path, downloads: Path
) -> None:
    idx_folder(downloads / "fashion_mnist")
    assert len(load(None, tmp_path / "absent").targets) == 20


def test_without_package_and_network_a_line_says_what_to_fetch_and_where_to_put_it(
    tmp_path: Path, downloads: Path
) -> None:
    with pytest.raises(Refusal) as refusal:
        load(None, tmp_path / "absent")
    assert str(refusal.value) == (
        f"{URL}/train-images-idx3-ubyte.gz: cannot be downloaded (Network is unreachable); "
        f"fetch it elsewhere and put it at {downloads}/fashion_mnist/train-images-idx3-ubyte.gz, "
        "or use dataset.source.path=FOLDER"
    )


def test_a_damaged_package_says_how_to_mend_it(tmp_path: Path) -> None:
    package = idx_folder(tmp_path / "package")
    with pytest.raises(Refusal) as refusal:
        load(None, package, digest="0123456789abcdef")
    assert str(refusal.value).startswith(
        f"{package} (apt-get install --reinstall dataset-fashion-mnist): these are not the "
        f"published data: expected digest 0123456789ab, found {DIGEST[:12]};"
    )
    file = package / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(Refusal, match=r"t10k-labels-idx1-ubyte.gz: the gzip archive is truncated"):
        load(None, package)


def test_a_path_that_does_not_exist_is_refused_though_there_is_a_package(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"absent: does not exist; correct the path$"):
        load(tmp_path / "absent", idx_folder(tmp_path / "package"))


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_package_holds_what_was_published() -> None:
    source = load(None, PACKAGE, digest=CONF["digest"])
    assert np.bincount(source.targets).tolist() == [6000] * 10  # as the publisher says
    assert source.test_targets is not None
    assert np.bincount(source.test_targets).tolist() == [1000] * 10
