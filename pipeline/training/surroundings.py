"""What decides digits beside the question and is no part of it: the process's environment.

oneDNN, Eigen, XLA, OpenMP, TensorFlow and Keras read variables and a file. Ours are set, all others
that could matter are removed, before a library reads them: what is allowed is listed, not
what is forbidden. Imports nothing, so that it can come first.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from pipeline.errors import Refusal

SETTINGS = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "",
}
READ = (
    *("DNNL_", "ONEDNN_", "TF_", "TF2_", "XLA_", "OMP_", "GOMP_", "KMP_", "MKL_", "EIGEN_"),
    *("KERAS_", "CUDNN_", "CUBLAS_", "CUBLASLT_", "NVIDIA_TF32_"),
)
HARMLESS = (
    *("TF_CPP_", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "KERAS_HOME"),
    *("TF2_BEHAVIOR", "TF_USE_LEGACY_KERAS", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"),
    *("TF_CLI_", "TF_DATA_DIR", "TF_INPUT", "TF_LOG", "TF_PLUGIN_", "TF_VAR_", "TF_WORKSPACE"),
)  # what only logs or holds memory, what libraries set themselves, and Terraform's
EARLY = ("LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES")
KERAS_VALUES = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


def take_over(variables: MutableMapping[str, str] = os.environ, *, late: bool = False) -> list[str]:
    """Set what is ours, remove what is not and could matter.

    Args:
        variables: The process's, as they are inherited by those that it starts.
        late: Whether TensorFlow has read them already.

    Returns:
        What somebody had set otherwise, as `NAME=value`.

    Raises:
        Refusal: A variable has had its effect already.
    """
    found = [name for name in sorted(variables) if _matters(name)]
    changed = [name for name in found if variables[name] != SETTINGS.get(name, _default(name))]
    too_late = [name for name in EARLY if _is_in_force(name, variables)] + (changed if late else [])
    if too_late:
        name = too_late[0]
        raise Refusal(
            f"{name}={variables[name]} can change digits, and it is too late to undo it in this "
            f"process: start it without, such as by env -u {name} ..."
        )
    told = [f"{name}={variables[name]}" for name in changed]
    for name in found:
        del variables[name]
    variables.update(SETTINGS)
    return told


def _matters(name: str) -> bool:
    return name.startswith(READ) and not name.startswith(HARMLESS)


def _default(name: str) -> str | None:
    return "1" if name.endswith("_NUM_THREADS") else None  # as dask sets it


def _is_in_force(name: str, variables: MutableMapping[str, str]) -> bool:
    """Tell whether what the loader or NumPy reads is set; stdbuf's library is harmless."""
    libraries = variables.get(name, "").replace(":", " ").split()
    return any(Path(each).name != "libstdbuf.so" for each in libraries)


def keras_file(variables: MutableMapping[str, str] = os.environ) -> list[str]:
    """Return what Keras's own file says otherwise than we do, as `keras.json: name=value`."""
    folder = variables.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        said = json.loads((Path(folder) / "keras.json").read_text())
        values = {name: said.get(name, ours) for name, ours in KERAS_VALUES.items()}
    except (OSError, ValueError, AttributeError):  # Keras does without
        return []
    return [f"keras.json: {k}={v}" for k, v in values.items() if v != KERAS_VALUES[k]]


def line_of(told: list[str]) -> str:
    """Return one line about what was overridden; empty where nothing was."""
    return f"overridden, because it changes digits: {', '.join(told)}" if told else ""


def take_over_and_tell() -> str:
    """Take over before TensorFlow is there, and return the line about it and Keras's file.

    Raises:
        Refusal: A variable has had its effect already.
    """
    return line_of(take_over(late="tensorflow" in sys.modules) + keras_file())
