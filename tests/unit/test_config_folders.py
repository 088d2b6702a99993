"""A user's folder of configuration over the one that ships: whose file is read, and named."""

import shutil
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configuration.cell import compose_cells
from pipeline.configuration.folders import SHIPPED, names
from pipeline.errors import Refusal

CONF = Path("conf")  # of the current folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A folder that is no checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> None:
    file = CONF / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def composed(*overrides: str):
    [asked] = compose_cells(CONF, overrides, multirun=False)
    return asked.cell


def test_where_there_is_no_folder_what_ships_is_used(folder):
    assert composed("model=cnn", "epochs=3").epochs == 3
    assert names(CONF, "model") == names(SHIPPED, "model")
    assert list(folder.iterdir()) == []


def test_a_users_file_starts_from_one_that_ships_and_is_listed_among_them():
    write("model/mine.yaml", "# Mine.\ndefaults: [mlp, _self_]\nwidth: 24\n")
    assert composed("model=mine").model.arguments["width"] == 24
    assert composed("model=mine").model.arguments["depth"] == 2
    assert {"mine", "mlp"} < set(names(CONF, "model"))


def test_a_users_file_is_read_instead_of_one_of_its_name_also_by_what_ships():
    mine = (SHIPPED / "norm" / "batch_default.yaml").read_text().replace("0.99 ", "0.8 ")
    write("norm/batch_default.yaml", mine)
    assert composed("norm=batch_default").norm.layer.arguments["momentum"] == 0.8
    assert composed("norm=batch_after").norm.layer.arguments["momentum"] == 0.8


def test_a_users_root_file_is_read_with_the_groups_that_ship():
    cell = (SHIPPED / "cell.yaml").read_text()
    assert "epochs: 5" in cell
    write("cell.yaml", cell.replace("epochs: 5", "epochs: 4"))
    assert composed().epochs == 4


def test_a_file_that_appears_is_read_at_once():
    before = composed("norm=batch_default")
    mine = (SHIPPED / "norm" / "batch_default.yaml").read_text().replace("0.99 ", "0.8 ")
    write("norm/batch_default.yaml", mine)
    assert composed("norm=batch_default") != before


@pytest.mark.parametrize(
    ("name", "text", "override", "place", "says"),
    [
        ("model/mine.yaml", "defaults: [mlp, _self_]\nwidth: 0", "model=mine", CONF, "at least 1"),
        ("model/mine.yaml", "width: [1", "model=mine", CONF, "line 2"),
        (
            "model/mine.yaml",
            "defaults: [mlp]\n",
            "model.width=0",
            None,
            "command line: model.width",
        ),
        (
            "norm/mine.yaml",
            "defaults: [batch, _self_]\nsearch: {}",
            "norm=mine",
            CONF,
            f"with those of {SHIPPED}/norm/batch.yaml",
        ),
    ],
)
def test_a_mistake_is_named_with_the_folder_in_which_it_stands(name, text, override, place, says):
    write(name, f"{text}\n")
    with pytest.raises(Refusal) as refused:
        composed(override)
    assert says in str(refused.value)
    assert str(refused.value).startswith(f"{place / name}: " if place else says)


def test_a_whole_folder_stands_by_itself():
    shutil.copytree(SHIPPED, CONF)
    (CONF / "norm" / "layer.yaml").unlink()
    with pytest.raises(Refusal, match=r"there is no conf/norm/layer\.yaml"):
        composed("norm=layer")


def test_a_folder_that_is_named_must_be_there(capsys):
    assert main(["--conf", "cnof", "train", "--info"]) == 2
    assert capsys.readouterr().err == "normbench train: --conf cnof: there is no such folder\n"


def test_what_is_for_dvc_alone_says_so_outside_a_checkout(capsys):
    assert main(["compose", "control"]) == 0
    assert main(["inputs", "control"]) == 2
    assert "dvc.yaml: is not here" in capsys.readouterr().err
