"""What decides a trial's digits, and who may run at a time."""

import subprocess
import sys

import pytest
from questions import STUDY

from pipeline.errors import Refusal
from pipeline.execution import precision
from pipeline.execution.environment import code_digest, environment, normalized, processor
from pipeline.execution.lock import held, holder
from pipeline.records import Component
from pipeline.studies import Study


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
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("from their_package import blocks\n")
    (package / "blocks.py").write_text("WIDTH = 1\n")
    (package / "other.py").write_text("WIDTH = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest() -> str:
        code_digest.cache_clear()
        return code_digest(frozenset({"their_package.model"}))

    before = digest()
    (package / "other.py").write_text("WIDTH = 2\n")
    assert digest() == before
    (package / "blocks.py").write_text("WIDTH = 2\n")
    assert digest() != before


def test_the_trainer_is_part_of_every_trials_code(monkeypatch):
    from pipeline.execution import environment as module

    code_digest.cache_clear()
    before = code_digest(frozenset({"pipeline.training.engine"}))
    real = module._read

    def edited(source, package):
        code, imported = real(source, package)
        return code + ("# other" if "def draw_weights" in code else ""), imported

    code_digest.cache_clear()
    monkeypatch.setattr(module, "_read", edited)
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
        "from pipeline.execution.lock import held, holder\n"
        "with held(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Refusal, match=f"held by process {process.pid}"), held(file):
        pass
    assert holder(file).startswith(f"process {process.pid}")
    process.kill()
    process.communicate()
    assert holder(file) is None
    with held(file):
        assert f"process {process.pid}" not in file.read_text()


@pytest.mark.parametrize(
    ("flags", "asked", "slow", "refused"),
    [
        ("avx2 avx512_bf16", "bfloat16", False, False),
        ("amx_bf16", "bfloat16", False, False),
        ("avx2 avx512f", "bfloat16", False, True),
        ("avx2 avx512f", "bfloat16", True, False),
        ("avx2 avx512f", "float32", False, False),
    ],
)
def test_half_precision_is_refused_where_it_is_slower_unless_asked_for(
    monkeypatch, flags, asked, slow, refused
):
    monkeypatch.setattr(precision, "processor", lambda: f"x86_64 Somebody 1 2 {flags}")
    monkeypatch.setattr(precision, "environment", lambda parts, trainer: trainer)
    monkeypatch.setattr(precision, "components", lambda cell: [])
    cell = Study.parse(STUDY | {"precision": asked, "allow_slow_precision": slow})
    if refused:
        with pytest.raises(Refusal, match=r"precision=bfloat16: .*allow_slow_precision=true"):
            precision.environment_of(cell)
    else:
        assert precision.environment_of(cell) == "engine"
