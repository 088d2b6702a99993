"""The same question gives the same digits, whatever the process's environment says."""

import ctypes
import json
import mmap
import os
import subprocess
import sys

import pytest

from pipeline.errors import Refusal
from pipeline.training import surroundings

VARIABLES = {
    "DNNL_DEFAULT_FPMATH_MODE": "BF16",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KMP_AFFINITY": "scatter",
    "MKL_NUM_THREADS": "8",
    "OMP_NUM_THREADS": "8",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "8",
    "TF_USE_DEEP_CONV2D": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
}
KERAS_FILE = {
    "floatx": "float16",
    "epsilon": 1e-3,
    "backend": "jax",
    "image_data_format": "channels_first",
}
CODE = """
import json
import sys
from pathlib import Path

from pipeline.execution.environment import environment
from pipeline.execution.work import training_module
from pipeline.records import Trial
from pipeline.search.questions import components

for line in json.loads(sys.argv[2]):
    trial = Trial.parse(line)
    assert environment(components(trial), trial.trainer) == trial.environment
    result = training_module(trial, trial.trainer).train(trial, Path(sys.argv[1])).result
    print(trial.key, result.weights_digest, *result.metrics.values())
"""


@pytest.fixture(scope="module")
def trained(asked, folder, tmp_path_factory):
    """Trains two models in a process of its own; returns a line of key and digits for each."""
    trials = [
        asked(f"model={model}", "norm=batch", f"trainer={trainer}").plain()
        for model, trainer in (("mlp", "fit"), ("cnn", "engine"))
    ]
    home = tmp_path_factory.mktemp("keras")

    def train(more, file):
        (home / "keras.json").write_text(json.dumps(file))
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(folder), json.dumps(trials)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"KERAS_HOME": str(home)} | more,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return train


@pytest.fixture(scope="module")
def plain(trained):
    """The two lines where nothing is set."""
    lines = trained({}, {})
    assert len({line.split()[0] for line in lines}) == 2
    return lines


def test_all_variables_and_keras_file_together_change_no_digit(trained, plain):
    assert len(VARIABLES) == 13
    assert trained(VARIABLES, KERAS_FILE) == plain


@pytest.mark.slow
@pytest.mark.parametrize("name", [*VARIABLES, "keras.json"])
def test_a_variable_or_keras_file_alone_changes_no_digit(name, trained, plain):
    more = {name: VARIABLES[name]} if name in VARIABLES else {}
    assert trained(more, {} if more else KERAS_FILE) == plain


def test_what_was_overridden_is_told_and_what_is_harmless_stays():
    variables = VARIABLES | {"PATH": "/bin", "TF_VAR_region": "x", "CUDA_VISIBLE_DEVICES": "1"}
    told = surroundings.take_over(variables)
    assert told == [f"{name}={value}" for name, value in VARIABLES.items()]
    kept = {"PATH": "/bin", "TF_VAR_region": "x", "CUDA_VISIBLE_DEVICES": "1"}
    assert variables == kept | surroundings.SETTINGS
    assert surroundings.take_over(variables, late=True) == []


def test_what_keras_file_says_otherwise_is_told(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps(KERAS_FILE | {"epsilon": 1e-7}))
    assert surroundings.keras_file({"KERAS_HOME": str(tmp_path)}) == [
        "keras.json: floatx=float16",
        "keras.json: image_data_format=channels_first",
    ]
    for text in ("[]", "{", "{}"):
        (tmp_path / "keras.json").write_text(text)
        assert surroundings.keras_file({"KERAS_HOME": str(tmp_path)}) == []


@pytest.mark.parametrize(
    ("name", "value", "late"),
    [
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so.2", False),
        ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2_Usable", False),
        ("NPY_DISABLE_CPU_FEATURES", "AVX2 FMA3", False),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", True),
    ],
)
def test_what_had_its_effect_already_is_refused_by_name(name, value, late):
    with pytest.raises(Refusal, match=f"{name}={value}.*env -u {name}"):
        surroundings.take_over({name: value}, late=late)


def test_line_buffering_by_stdbuf_is_no_reason_to_refuse():
    variables = {"LD_PRELOAD": "/usr/libexec/coreutils/libstdbuf.so"}
    assert surroundings.take_over(variables) == []


def test_a_process_that_takes_denormals_for_zero_is_found_out():
    """The processor's own flags: bits 6 and 15 of MXCSR, as -ffast-math's start-up code sets them.

    The machine code is: ldmxcsr [rdi]; ret.
    """
    from pipeline.training.determinism import _flushes_denormals

    place = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    place.write(b"\x0f\xae\x17\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(place))
    load = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))(address)
    assert not _flushes_denormals()
    try:
        load(ctypes.c_uint32(0x1F80 | 0x8040))
        assert _flushes_denormals()
    finally:
        load(ctypes.c_uint32(0x1F80))
    assert not _flushes_denormals()
