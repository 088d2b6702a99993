"""Bad input of each kind is one line that names the place, within a moment."""

import io
import lzma
import random
import subprocess
import sys
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from questions import study
from simulated import MemoryStore, Silence, SimulatedPool, searches

from pipeline.components import resolve
from pipeline.configuration.composition import composition
from pipeline.data.archive import read_npz
from pipeline.data.idx import read_idx
from pipeline.errors import Refusal, reason_of
from pipeline.execution.loop import run
from pipeline.modules import trouble
from pipeline.stages import confirm
from pipeline.stages.files import read_answers, write_answers
from pipeline.stages.named_code import told_in_one_line
from pipeline.stages.places import Places


def refusal(call, *given) -> str:
    with pytest.raises(Refusal) as refused:
        call(*given)
    said = str(refused.value)
    assert "\n" not in said
    assert "\x1b" not in said
    return said


@pytest.mark.parametrize("axes", [5, 64, 65, 100, 255])
def test_an_idx_header_of_many_axes_is_refused(tmp_path, axes):
    file = tmp_path / "idx"
    file.write_bytes(bytes([0, 0, 8, axes]) + b"\0\0\0\1" * axes + b"\0")
    assert f"{axes} axes" in refusal(read_idx, file)


def npy(shape: str, data: bytes = b"\0" * 8) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    padded = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode() + data


@pytest.mark.parametrize(
    "shape", ["(True, 8, True)", "(8, True)", "(-1,)", "(10**9,)", "8", "((8,),)", "("]
)
def test_an_array_header_of_another_shape_is_refused(tmp_path, shape):
    file = tmp_path / "a.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", npy(shape))
    said = refusal(read_npz, file, ["x"])
    assert "array 'x' is damaged" in said or "memory" in said


def changed(file, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def test_zip_members_that_nobody_can_read_are_refused(tmp_path):
    array = io.BytesIO()
    np.save(array, np.arange(1000))
    for name, method in (("stored", zipfile.ZIP_STORED), ("lzma", zipfile.ZIP_LZMA)):
        file = tmp_path / f"{name}.npz"
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("x.npy", array.getvalue())
    file = tmp_path / "stored.npz"
    for place in (b"PK\x03\x04\x14\x00", b"PK\x01\x02\x14\x03\x14\x00"):
        changed(file, place + b"\0\0", place + b"\1\0")  # the bit that says: encrypted
    assert "encrypted" in refusal(read_npz, file, ["x"])
    content = (tmp_path / "lzma.npz").read_bytes()
    (tmp_path / "lzma.npz").write_bytes(content[:60] + b"\xff" * 40 + content[100:])
    assert "damaged" in refusal(read_npz, tmp_path / "lzma.npz", ["x"])
    assert issubclass(lzma.LZMAError, Exception)


def test_a_yaml_bomb_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "train.yaml").write_text("\n".join(lines))
    began = time.monotonic()
    assert "aliases (*) make more than" in refusal(composition, tmp_path, "train", [])
    assert time.monotonic() - began < 5
    (tmp_path / "train.yaml").write_text("a: " + "x" * 2**20)
    assert "larger than 1024 KiB" in refusal(composition, tmp_path, "train", [])


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("subprocess.call", "is Python's own"),
        ("shutil.rmtree", "is Python's own"),
        ("os.system", "built into Python"),
    ],
)
def test_what_is_pythons_own_is_never_called(target, reason):
    assert reason in trouble(target)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no\\nluck')", "ValueError: no luck"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise KeyError('\\x1b[1mbold\\x1b[0m' + 'x' * 10**6)", "KeyError:"),
    ],
)
def test_a_module_that_does_not_import_is_one_line(tmp_path, monkeypatch, code, reason):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "breaking_module.py").write_text(code)
    said = refusal(resolve, "breaking_module.build")
    assert said.startswith(f"breaking_module.build: breaking_module does not import: {reason}")
    assert len(said) < 700


def test_a_module_of_null_bytes_has_no_line_to_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "null_module.py").write_bytes(b"\0")
    said = trouble("null_module.build")
    assert said.endswith("is no Python: source code string cannot contain null bytes")


def test_what_a_graph_could_not_compute_is_said_without_its_stack():
    stack = "\n\n".join(f'  File "layer.py", line {n}, in call' for n in range(200))
    error = ValueError(
        "Graph execution error:\n\nDetected at node while/take/GatherV2 defined at (most recent "
        f"call last):\n{stack}\n\nindices[1,2] = 9 is not in [0, 2)\n\t [[{{{{node take}}}}]]"
    )
    assert reason_of(error) == (
        "ValueError: indices[1,2] = 9 is not in [0, 2) (in while/take/GatherV2)"
    )


def test_an_exception_is_one_line_without_orders_to_the_terminal():
    error = ValueError("\x1b[1mfirst\x1b[0m\n\tsecond\x07" + "x" * 1000)
    assert reason_of(error).startswith("ValueError: first secondxxx")
    assert len(reason_of(error)) == 500
    assert reason_of(ValueError()) == "ValueError"


def test_sealed_lines_that_are_nested_too_deep_are_named(tmp_path):
    file = tmp_path / "studies.jsonl"
    file.write_text("[" * 100_000 + "\n")
    assert refusal(read_answers, file, "normbench sweep quick") == (
        f"{file}:1: is damaged; remove the file and run: normbench sweep quick"
    )


def test_an_exception_of_named_code_is_one_line_and_one_of_ours_is_not(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "broken_builder.py"
    file.write_text("def build(shape, outputs, norm):\n    return {}[shape]\n")
    build = resolve("broken_builder.build")

    def told():
        with told_in_one_line(["broken_builder.build"]):
            build((1,), 2, None)

    assert refusal(told) == f"{file}, line 2: KeyError: (1,)"
    with pytest.raises(ZeroDivisionError), told_in_one_line(["broken_builder.build"]):
        _ = 1 / 0


@pytest.mark.parametrize(
    ("text", "array"),
    [
        (
            "OOM when allocating tensor with shape[784,10] and type float",
            ": an array of shape (784, 10)",
        ),
        ("", ""),
    ],
)
def test_a_model_that_does_not_fit_into_memory_is_said_so(text, array):
    class ResourceExhaustedError(Exception):
        """As TensorFlow names its own."""

    for kind in (ResourceExhaustedError, MemoryError):
        with pytest.raises(Refusal) as refused, told_in_one_line(["my.build", "my.Norm"]):
            raise kind(text)
        assert str(refused.value) == (
            f"my.build: its model needs more memory than there is{array}; make the model or the "
            "batch smaller"
        )


KINDS = """
from pipeline.errors import Refusal
from pipeline.models.norms import norm_factory
from pipeline.records import Arm, Component
from pipeline.training.builder import _check_builder
from pipeline.training.steps import keras_optimizer
def arm(target):
    layer = Component(target=target, arguments={})
    return norm_factory(Arm(layer=layer, placement="before"))
def optimizer(target):
    return keras_optimizer(Component(target=target, arguments={}), [], [])
for check, target in [
    *((arm, each) for each in ("keras.Model", "keras.layers.Input", "keras.optimizers.Adam",
       "keras.losses.MeanSquaredError", "keras.Sequential", "keras.ops.relu")),
    *((_check_builder, each) for each in ("keras.Model", "keras.layers.Dense",
       "keras.utils.set_random_seed")),
    *((optimizer, each) for each in ("keras.layers.Dense", "keras.losses.MeanSquaredError")),
]:
    try:
        check(target)
        print("TAKEN", target)
    except Refusal as refused:
        print(refused)
arm("keras.layers.LayerNormalization")
_check_builder("pipeline.models.cnn.build")
optimizer("keras.optimizers.Adam")
"""


def test_a_target_of_another_kind_is_refused_before_it_is_called():
    done = subprocess.run([sys.executable, "-c", KINDS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 11
    assert all(": is no " in line for line in lines), done.stdout


def test_a_sealed_line_that_is_there_twice_is_named(tmp_path):
    store, (queue,) = MemoryStore(), searches(study(trials=3))
    run([queue], lambda: SimulatedPool(store, 1, random.Random(0)), store, Silence())
    file = tmp_path / "studies.jsonl"
    write_answers(file, queue.answers())
    assert read_answers(file, "normbench sweep quick") == queue.answers()
    file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    assert refusal(read_answers, file, "normbench sweep quick") == (
        f"{file}:4: answers {queue.study.name} trial 0 a second time; "
        "remove the file and run: normbench sweep quick"
    )


def test_an_experiment_that_was_not_swept_is_named_by_confirm(tmp_path, monkeypatch):
    asked = study(trials=3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(confirm, "read_plan", lambda _: SimpleNamespace(studies={"one": asked}))
    write_answers(Places("quick").studies, [])
    with pytest.raises(Refusal) as refused:
        confirm.run("quick", conf=tmp_path, cluster="local")
    assert str(refused.value) == (
        f"artifacts/quick/studies.jsonl: answers too little of {asked.name}; "
        "run: normbench sweep quick"
    )
