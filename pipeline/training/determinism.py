"""One thread, deterministic kernels, one device: call `configure` before TensorFlow computes.

The settings live in the process; a worker trains for one device only.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import Any

from pipeline.errors import Refusal
from pipeline.training.surroundings import KERAS_VALUES, take_over

# Keras loads them where it finds them, for pictures, tables and wrappers that no training here
# uses: 150 MB and over a second in each worker.
UNUSED = ("matplotlib", "pandas", "sklearn")

_configured: set[str] = set()  # devices: from then on TensorFlow has read what is ours


def configure(device: str, threads: int) -> None:
    """Fix what TensorFlow's digits depend on, whatever the user's environment says.

    Args:
        device: `cpu`, which hides every accelerator, or `gpu:N`, which hides all but one.
        threads: Threads within and between operations.

    Raises:
        Refusal: The device is not there, TensorFlow already runs with other settings, or a
            variable or a library has changed digits of this process already.
    """
    take_over(late="tensorflow" in sys.modules and not _configured)
    kind, _, number = device.partition(":")
    if kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with _quiet(), _Absent(UNUSED):
        import tensorflow as tf

        import_module("keras")

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        if kind == "gpu":
            found = tf.config.list_physical_devices("GPU")
            if int(number) >= len(found):
                raise Refusal(f"device={device}: TensorFlow sees {len(found)} GPUs here; use cpu")
            tf.config.set_visible_devices(found[int(number)], "GPU")
    except RuntimeError as error:
        raise Refusal(f"device={device}: TensorFlow already runs otherwise: {error}") from error
    tf.get_logger().setLevel("ERROR")  # each trial traces graphs of its own, and is warned of it
    tf.config.experimental.enable_op_determinism()
    # It reorders sums by what stands around them in the graph: the same layer in another graph
    # would give other last bits. Leaving it off costs no time.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    use_our_keras_values()
    if _flushes_denormals():
        raise Refusal(
            "this process takes the smallest numbers for zero: a library that it loaded, built "
            "with -ffast-math, turned that on; do without it"
        )
    if not _configured:  # counting what is frozen would walk it, for each trial
        # Half a million objects of the libraries, which stay: else every collection walks them,
        # a quarter of a second each time that a graph makes room for another.
        gc.collect()
        gc.freeze()
    _configured.add(device)


def use_our_keras_values(precision: str = KERAS_VALUES["floatx"]) -> None:
    """Set what Keras reads from its file, and what a model's builder may have left.

    Layers that are made from now on compute in `precision`, and keep their weights in float32.
    """
    import keras

    keras.config.set_floatx(KERAS_VALUES["floatx"])
    keras.config.set_epsilon(KERAS_VALUES["epsilon"])
    keras.config.set_image_data_format(KERAS_VALUES["image_data_format"])
    single = precision == KERAS_VALUES["floatx"]
    keras.config.set_dtype_policy(precision if single else f"mixed_{precision}")


def _flushes_denormals() -> bool:
    return sys.float_info.min / 2 == 0.0


class _Absent(MetaPathFinder):
    """Lets packages that are not loaded yet seem not to be installed, to the thread that made it.

    Another one may need them at the same time: mirrors do.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages, self._thread = packages, threading.get_ident()

    def find_spec(self, fullname: str, *_: Any) -> None:
        """Refuse the packages, leave all else to the finders that follow."""
        if fullname in self._packages and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is left out on purpose", name=fullname)

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow's libraries write to standard error while they load.

    They write before any setting can stop them. If loading fails, it is shown.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
