"""What a model draws while it computes: of generators that it holds, and of nothing else.

A layer's generator starts from the trial's seed. Whatever else a `call` draws (keras.random without
a seed, tf.random, NumPy, the system's own) depends on what was drawn before in the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal
from pipeline.training.evaluation import kept

EXAMPLES = 4

Calls = list[tuple[str, Any]]  # a layer's name and its outputs, in the order in which layers end


def check_draws(
    target: str, model: keras.Model, shape: tuple[int, ...], seeds: tuple[int, int]
) -> None:
    """Refuse a model whose layers give other outputs under another seed of the process.

    Variables stay as they are, those that its own generators draw from among them.

    Args:
        target: The builder's dotted path.
        model: What it returned.
        shape: Shape of an example.
        seeds: Two seeds of the process.

    Raises:
        Refusal: One does, and is named.
    """
    # from 0 to less than 1: a layer that looks them up in a vocabulary finds the first entry
    examples = np.random.default_rng(0).random((EXAMPLES, *shape), dtype=np.float32)
    one, other = (_called(model, examples, seed) for seed in seeds)
    for (name, outputs), (_, again) in zip(one, other, strict=False):
        if not _same(outputs, again):
            raise Refusal(
                f"{target} returned a model whose layer {name} draws random numbers that the "
                "trial's seed does not decide: take another, or let it hold a "
                "keras.random.SeedGenerator() and draw by keras.random...(seed=GENERATOR)"
            )


def _called(model: keras.Model, examples: NDArray[np.float32], seed: int) -> Calls:
    keras.utils.set_random_seed(seed)
    with kept(model.variables), _listened_to() as calls:
        model(examples, training=True)
    return calls


@contextmanager
def _listened_to() -> Iterator[Calls]:
    """Lend the calls of layers that are made meanwhile."""
    calls: Calls = []
    plain = keras.Layer.__call__

    def call(layer: Any, *arguments: Any, **more: Any) -> Any:
        outputs = plain(layer, *arguments, **more)
        calls.append((layer.name, outputs))
        return outputs

    keras.Layer.__call__ = call
    try:
        yield calls
    finally:
        keras.Layer.__call__ = plain


def _same(outputs: Any, again: Any) -> bool:
    pairs = zip(keras.tree.flatten(outputs), keras.tree.flatten(again), strict=True)
    return all(_bytes(one) == _bytes(other) for one, other in pairs)


def _bytes(tensor: Any) -> bytes:
    return np.ascontiguousarray(keras.ops.convert_to_numpy(tensor)).tobytes()
