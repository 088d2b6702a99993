"""DVC sees what conf/ names and dvc.yaml can't list: the digests of a user's own data and code."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_answers import fake_runs

from pipeline.__main__ import main

FILES = {
    "dvc.yaml": "",
    "animals.csv": "size,kind\n1,cat\n2,dog\n",
    "pictures/cat/1.png": "one",
    "pictures/cat/2.png": "two",
    "my_inputs/__init__.py": "",
    "my_inputs/shallow.py": "def build(shape, outputs, norm):\n    return None\n",
    "my_inputs/loading.py": "from my_inputs.reading import load\n",
    "my_inputs/reading.py": "def load(*, more_path):\n    return None\n",
    "my_inputs/effects.py": "def ratio(runs):\n    return None\n",
    "my_inputs/unused.py": "",
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a composed plan that names two datasets, a model and an effect of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in FILES.items():
        write(tmp_path / name, text)
    plan = fake_runs().plan.plain()
    [shipped, *_] = plan["datasets"].values()
    pictures = {"target": "pipeline.data.image_folder.load", "arguments": {"path": "pictures"}}
    table = {"target": "my_inputs.loading.load", "arguments": {"more_path": "animals.csv"}}
    plan["datasets"] |= {
        "pictures": {**shipped, "source": pictures},
        "animals": {**shipped, "source": table},
    }
    [study, *_] = plan["studies"].values()
    study["model"]["target"] = "my_inputs.shallow.build"
    effect = {"target": "my_inputs.effects.ratio", "arguments": {}}
    plan["claims"] = {"mine": {"parts": [{"effect": effect}]}}
    write(tmp_path / "reports/quick/config.yaml", yaml.safe_dump(plan))
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def inputs() -> dict[str, Any]:
    assert main(["inputs", "quick"]) == 0
    found: dict[str, Any] = yaml.safe_load(Path("reports/quick/inputs.yaml").read_text())
    return found


def test_what_is_not_of_ones_own_has_no_digest(folder):
    found = inputs()
    [shipped] = [name for name in found["data"] if name not in ("pictures", "animals")]
    assert found["data"][shipped] == {"files": None, "code": {}}
    assert found["data"]["pictures"]["code"] == {}
    assert list(found["data"]["animals"]["code"]) == ["my_inputs.loading"]
    assert list(found["training"]) == ["my_inputs.shallow"]
    assert list(found["judging"]) == ["my_inputs.effects"]


def test_the_function_whose_model_is_wrapped_is_code_of_ones_own(folder):
    file = folder / "reports/quick/config.yaml"
    plan = yaml.safe_load(file.read_text())
    [study, *_] = plan["studies"].values()
    arguments = {"source": "my_inputs.shallow.build"}
    study["model"] = {"target": "pipeline.models.variants.build", "arguments": arguments}
    write(file, yaml.safe_dump(plan))
    assert list(inputs()["training"]) == ["my_inputs.shallow"]


@pytest.mark.parametrize(
    ("change", "section"),
    [
        ("my_inputs/shallow.py", "training"),
        ("my_inputs/effects.py", "judging"),
        ("my_inputs/reading.py", "data"),  # which the loader imports
        ("animals.csv", "data"),
        ("pictures/cat/1.png", "data"),
    ],
)
def test_a_change_is_seen_where_it_matters_and_nowhere_else(change, section, folder):
    before = inputs()
    file = folder / change
    file.write_text(file.read_text() + "\nmore = 1\n")
    after = inputs()
    assert {name for name in before if before[name] != after[name]} == {section}


def test_a_picture_that_is_removed_or_moved_is_seen(folder):
    seen = [inputs()["data"]["pictures"]]
    (folder / "pictures/cat/2.png").rename(folder / "pictures/cat/3.png")
    seen.append(inputs()["data"]["pictures"])
    (folder / "pictures/cat/3.png").unlink()
    seen.append(inputs()["data"]["pictures"])
    (folder / "pictures/cat/1.png").unlink()
    (folder / "pictures/cat").rmdir()
    seen.append(inputs()["data"]["pictures"])
    assert len({each["files"] for each in seen}) == 4


def test_times_comments_and_other_modules_are_no_change(folder):
    before = inputs()
    for name in ("animals.csv", "pictures/cat/1.png"):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).write_bytes(content)
    with (folder / "my_inputs/shallow.py").open("a") as file:
        file.write("# a comment\n")
    write(folder / "my_inputs/unused.py", "more = 1\n")
    assert inputs() == before


def test_files_that_look_as_they_did_are_not_read_again(folder, monkeypatch):
    before = inputs()
    monkeypatch.setattr("pipeline.stages.inputs.content_of_files", lambda source: "read again")
    assert inputs()["data"]["animals"] == before["data"]["animals"]
    assert inputs()["data"]["pictures"] == before["data"]["pictures"]
    write(folder / "artifacts/quick.inputs.json", "[not json")
    assert inputs()["data"]["animals"]["files"] == "read again"
