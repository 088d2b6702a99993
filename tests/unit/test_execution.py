"""Running studies: looked up before trained, in index order, with a lag; one run at a time."""

import subprocess
import sys

import pytest
from questions import result, study

from pipeline.errors import Refusal
from pipeline.execution.environment import code_digest, environment, normalized, processor
from pipeline.execution.lock import held
from pipeline.execution.loop import confirm_study, search_study
from pipeline.execution.store import Clock, Store
from pipeline.records import Component, Environment
from pipeline.search.questions import question

HERE = Environment(tensorflow="1", keras="1", numpy="1", processor="p", threads=1, code="c")
CLOCK = Clock(started=1.0, wall_seconds=2.0, commit="c", dirty="", host="h")


def ask(cell, *, seed, split):
    return question(cell, data_digest="d", environment=HERE, seed=seed, split=split)


class Laboratory:
    """A store, and work that scores a trial by its rate and counts how often it is asked."""

    def __init__(self, folder):
        self.store = Store(folder)
        self.worked = 0
        self.told = []

    def work(self, trial):
        self.worked += 1
        found = result(trial.optimizer.arguments["learning_rate"])
        self.store.put(trial, found, CLOCK)
        return found

    def tell(self, answer, fresh):
        self.told.append((answer.index, fresh))

    def search(self, asked):
        return search_study(asked, ask, self.work, self.store, self.tell)


@pytest.fixture
def laboratory(tmp_path) -> Laboratory:
    return Laboratory(tmp_path)


def test_a_study_is_answered_in_index_order(laboratory):
    answers = laboratory.search(study(trials=5))
    assert [answer.index for answer in answers] == [0, 1, 2, 3, 4]
    assert laboratory.told == [(index, True) for index in range(5)]
    assert {answer.trial.split for answer in answers} == {"validation"}


def test_a_finished_study_is_looked_up_and_not_trained(laboratory):
    first = laboratory.search(study(trials=5))
    assert laboratory.search(study(trials=5)) == first
    assert laboratory.worked == 5


def test_more_trials_train_only_what_is_new(laboratory):
    laboratory.search(study(trials=5))
    laboratory.search(study(trials=7))
    assert laboratory.worked == 7


def test_a_study_that_was_interrupted_ends_as_if_it_had_not_been(laboratory, tmp_path):
    def interrupted(trial):
        if laboratory.worked == 3:
            raise KeyboardInterrupt
        return Laboratory.work(laboratory, trial)

    with pytest.raises(KeyboardInterrupt):
        search_study(study(), ask, interrupted, laboratory.store, laboratory.tell)
    whole = Laboratory(tmp_path / "whole").search(study())
    assert laboratory.search(study()) == whole
    assert laboratory.worked == 12


def test_the_winner_is_confirmed_on_every_fresh_seed_with_test_data(laboratory):
    asked = study(trials=6)
    swept = laboratory.search(asked)
    best = max(swept, key=lambda answer: answer.result.metrics["validation_accuracy"])
    confirmed = confirm_study(asked, swept, ask, laboratory.work, laboratory.store, laboratory.tell)
    assert [answer.trial.seed for answer in confirmed] == list(asked.confirm_seeds)
    assert {answer.trial.split for answer in confirmed} == {"test"}
    for answer in confirmed:
        assert answer.trial.optimizer == best.trial.optimizer
        assert answer.trial.norm == best.trial.norm
        assert answer.trial.batch_size == best.trial.batch_size
        assert answer.key == answer.trial.key != best.key


def test_formatting_comments_and_docstrings_do_not_change_the_code():
    import ast

    plain = "def f(x):\n    return x + 1\n"
    dressed = '"""Module."""\n\n\ndef f( x ):  # why\n    """Say."""\n    return (x + 1)\n'
    other = "def f(x):\n    return x + 2\n"
    assert normalized(ast.parse(plain)) == normalized(ast.parse(dressed))
    assert normalized(ast.parse(plain)) != normalized(ast.parse(other))


def test_a_function_that_is_only_a_docstring_stays_a_function():
    import ast

    assert normalized(ast.parse('def f():\n    """Say."""\n')) == "def f():\n    pass"


def test_the_code_of_a_trial_depends_on_its_own_model_alone(tmp_path, monkeypatch):
    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("from theirs import blocks\n")
    (package / "blocks.py").write_text("WIDTH = 1\n")
    (package / "other.py").write_text("WIDTH = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest() -> str:
        code_digest.cache_clear()
        return code_digest(frozenset({"theirs.model"}))

    before = digest()
    (package / "other.py").write_text("WIDTH = 2\n")
    assert digest() == before
    (package / "blocks.py").write_text("WIDTH = 2\n")
    assert digest() != before


def test_the_trainer_is_part_of_every_trials_code(monkeypatch):
    from pipeline.execution import environment as module

    code_digest.cache_clear()
    before = code_digest(frozenset({"pipeline.training.engine"}))
    real = module.normalized

    def edited(tree):
        return real(tree) + ("# other" if "def draw_weights" in real(tree) else "")

    code_digest.cache_clear()
    monkeypatch.setattr(module, "normalized", edited)
    assert code_digest(frozenset({"pipeline.training.engine"})) != before
    code_digest.cache_clear()


def test_a_component_whose_module_is_missing_is_refused():
    with pytest.raises(Refusal, match=r"nowhere\.models"):
        environment(
            [Component.parse({"target": "nowhere.models.build", "arguments": {}})], "engine"
        )


def test_the_environment_is_found_without_importing_tensorflow():
    script = (
        "import sys\n"
        "from pipeline.execution.environment import environment\n"
        "from pipeline.records import Component\n"
        "targets = ['pipeline.models.cnn.build', 'keras.layers.BatchNormalization']\n"
        "found = environment([Component(target=t, arguments={}) for t in targets], 'engine')\n"
        "assert len(found.code) == 64 and found.tensorflow\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_processor_is_named_by_its_architecture_first():
    import platform

    assert processor().split()[0] == platform.machine()


def test_a_second_run_names_the_holder(tmp_path):
    file = tmp_path / "quick.lock"
    script = (
        "import sys, pathlib\n"
        "from pipeline.execution.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Refusal, match=f"held by process {holder.pid}"), held(file):
        pass
    holder.kill()
    holder.communicate()
    with held(file):
        assert f"process {holder.pid}" not in file.read_text()
