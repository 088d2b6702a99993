"""Every dataset of conf/: composed, and built or refused in one line where nothing is to be had."""

from pathlib import Path

import pytest

from pipeline.configuration.cell import compose_cells
from pipeline.data.prepared import prepare
from pipeline.errors import Refusal

DATASETS = sorted(file.stem for file in Path("conf/dataset").glob("*.yaml"))
EMBEDDED = {"mnist_5k", "mnist_1d", "diabetes", "digits", "cartpole"}
PUBLISHED = {"mnist", "fashion_mnist", "cifar10"}
OWN = {"npz", "image_folder", "table"}


@pytest.fixture(autouse=True)
def _nothing_to_be_had(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setenv("NORMBENCH_DOWNLOADS", str(tmp_path / "downloads"))
    monkeypatch.setattr("pooch.retrieve", unreachable)


def dataset(name, *overrides):
    if name.startswith("fashion_mnist"):
        overrides = ("dataset.source.package=/nowhere", *overrides)
    return compose_cells(Path("conf"), [f"dataset={name}", *overrides], multirun=False)[0].dataset


def refusal(name, folder, *overrides):
    with pytest.raises(Refusal) as refused:
        prepare(dataset(name, *overrides), name, folder / "arrays" / name)
    assert not (folder / "arrays").exists()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_all_datasets_are_found():
    assert set(DATASETS) >= EMBEDDED | PUBLISHED | OWN
    assert len(DATASETS) >= 9


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_composes(name):
    found = dataset(name)
    assert found.train >= 200


@pytest.mark.parametrize("name", sorted(EMBEDDED))
def test_an_embedded_dataset_is_prepared_without_network_the_same_each_time(name, tmp_path):
    manifests = [prepare(dataset(name), name, tmp_path / name) for _ in range(2)]
    assert manifests[0] == manifests[1]
    assert set(manifests[0].examples) == {"train", "validation", "test"}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_published_dataset_says_without_network_what_to_fetch_and_where_to_put_it(name, tmp_path):
    line = refusal(name, tmp_path)
    assert "cannot be downloaded (no network in this test)" in line
    assert f"put it at {tmp_path}/downloads/{name}/" in line
    assert line.endswith(("use dataset.source.path=FILE", "use dataset.source.path=FOLDER"))


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_dataset_of_ones_own_says_how_to_name_it(name, tmp_path):
    assert refusal(name, tmp_path).startswith(
        "dataset.source.path: names nothing; add dataset.source.path=PATH to name "
    )


@pytest.mark.parametrize("name", sorted(PUBLISHED | OWN))
@pytest.mark.parametrize("path", ["/nowhere/at/all", "3", "[a,b]", "true"])
def test_a_path_that_leads_nowhere_is_refused(name, path, tmp_path):
    line = refusal(name, tmp_path, f"dataset.source.path={path}")
    assert "does not exist; correct the path" in line or "must be the path of" in line


@pytest.mark.parametrize("name", DATASETS)
def test_an_unknown_argument_of_a_source_is_refused(name, tmp_path):
    found = dataset(name)
    source = found.source.model_copy(update={"arguments": {**found.source.arguments, "pth": "x"}})
    with pytest.raises(Refusal, match="takes no argument 'pth'"):
        prepare(found.model_copy(update={"source": source}), name, tmp_path / name)
