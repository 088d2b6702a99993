"""`normbench decide` from a request to its stages: measurements and stages are made up here."""

import shutil
from pathlib import Path

import pytest

from pipeline.commands import STAGES
from pipeline.errors import Refusal
from pipeline.stages import decide
from pipeline.stages.sizing import Pace

PACE = Pace(setup=1.0, run=0.05, epoch=0.05, step=0.0005, example=0.00001, graphs=5)
ASKED = {"cluster": "local workers=2", "as_json": False}
NAME = "decide_cnn_small_digits"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A checkout in which stages note that they were called; says which arms were measured."""
    shutil.copytree("conf", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    measured, ran = [], []

    def paces(cells, folder):
        measured.append((list(cells), folder))
        return {arm: "it does not fit" if arm == "group" else PACE for arm in cells}

    def apart(function, *arguments):
        return paces(*arguments) if function is decide.paces else False

    class Stage:
        def __init__(self, name):
            self.name = name.rpartition(".")[2]

        def run(self, *arguments, **more):
            ran.append((self.name, *arguments, *more.values()))

    monkeypatch.setattr(decide, "apart", apart)
    monkeypatch.setattr(decide, "import_module", Stage)
    monkeypatch.setattr(decide, "run", lambda profile, **more: ran.append(("answer", profile)))
    return measured, ran


def ask(minutes=3, model="cnn_small"):
    decide.find_out(model, "digits", minutes=minutes, conf=Path("conf"), **ASKED)


def test_stages_run_in_their_order_and_the_answer_comes_last(elsewhere, capsys):
    _, ran = elsewhere
    ask()
    assert [each[0] for each in ran] == [*STAGES, "answer"]
    assert ran[0] == ("compose", Path("conf"), NAME)
    assert ran[2] == ("sweep", NAME, Path("conf"), "local workers=2")
    said = capsys.readouterr().out
    assert "the arm group is left out: it does not fit" in said
    assert f"{NAME}: 4 arms x 8 searches x 7 runs of " in said
    assert said.count(": written") == 2


def test_batch_is_taken_to_be_as_fast_as_batch_default(elsewhere):
    measured, _ = elsewhere
    ask()
    [(arms, folder)] = measured
    assert arms == ["none", "batch_default", "layer", "group"]
    assert (folder / "manifest.json").is_file() or any(folder.iterdir())
    text = Path(f"conf/experiment/{NAME}.yaml").read_text()
    assert "norms: [none, batch, batch_default, layer]" in text


def test_the_same_request_goes_on_without_another_measurement(elsewhere, capsys):
    measured, ran = elsewhere
    ask()
    files = [Path(f"conf/{group}/{NAME}.yaml") for group in ("profile", "experiment")]
    before = [file.read_bytes() for file in files]
    capsys.readouterr()
    ask()
    assert len(measured) == 1
    assert [file.read_bytes() for file in files] == before
    assert [each[0] for each in ran] == [*STAGES, "answer"] * 2
    assert "asked before, goes on: 4 arms x 8 searches" in capsys.readouterr().out


def test_a_function_may_be_spelled_in_two_ways(elsewhere):
    measured, _ = elsewhere
    Path("mine.py").write_text("def net(shape, outputs):\n    return None\n")
    ask(model="mine:net")
    ask(model="mine.net")
    assert len(measured) == 1


def test_another_number_of_minutes_is_another_request(elsewhere, capsys):
    measured, _ = elsewhere
    ask()
    first = Path(f"conf/experiment/{NAME}.yaml").read_text()
    ask(minutes=2)
    assert len(measured) == 2
    assert "instead of what an earlier request asked" in capsys.readouterr().out
    assert Path(f"conf/experiment/{NAME}.yaml").read_text() != first


def test_a_file_that_somebody_edited_is_left_alone(elsewhere):
    ask()
    file = Path(f"conf/profile/{NAME}.yaml")
    edited = file.read_text() + "# mine\n"
    file.write_text(edited)
    with pytest.raises(Refusal, match="was edited, and is left alone"):
        ask()
    assert file.read_text() == edited


def test_a_function_gets_a_file_of_its_own_which_goes_where_it_cannot_be_asked(elsewhere):
    Path("mine.py").write_text("def net(shape, outputs):\n    return None\n")
    file = Path("conf/model/mine_net.yaml")
    ask(model="mine:net")
    assert "source: mine.net\n" in file.read_text()
    file.unlink()
    Path("conf/profile/decide_mine_net_digits.yaml").unlink()
    with pytest.raises(Refusal, match="say --minutes"):
        ask(model="mine:net", minutes=1)
    assert not file.exists()
