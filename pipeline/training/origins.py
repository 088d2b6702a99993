"""What each variable of a model was made by: an initializer, or a value that somebody had.

Keras's layers hold some of their initializers under names of their own, and some nowhere. So
we look on while a model is built, and every variable carries an `Origin` from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Initializer = Callable[..., Any]


class Origin:
    """Stands in for a variable's initializer, and remembers what that gave.

    Attributes:
        initializer: A function of shape and dtype; None where the variable was made of a value.
        first: The variable's first value; None once `forget` was called.
    """

    def __init__(self, initializer: Any) -> None:
        if isinstance(initializer, str):
            initializer = keras.initializers.get(initializer)
        self.initializer: Initializer | None = initializer if callable(initializer) else None
        self.first: NDArray[Any] | None = None if callable(initializer) else _values(initializer)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return the initializer's value, as Keras asks for it."""
        assert self.initializer is not None
        value = self.initializer(shape, dtype=dtype)
        if hasattr(value, "numpy"):  # else a placeholder in a graph
            self.first = value.numpy()
        return value

    def forget(self) -> None:
        """Drop the first value, which may be large."""
        self.first = None


def _values(initializer: Any) -> NDArray[Any]:
    return np.asarray(initializer.numpy() if hasattr(initializer, "numpy") else initializer)


@contextmanager
def looked_on() -> Iterator[dict[int, Origin]]:
    """Give every variable made meanwhile an attribute `origin`; lend these by the variable's id."""
    made: dict[int, Origin] = {}
    plain = keras.Variable.__init__

    def make(variable: Any, initializer: Any, *arguments: Any, **more: Any) -> None:
        origin = Origin(initializer)
        plain(variable, initializer if origin.initializer is None else origin, *arguments, **more)
        variable.origin = made[id(variable)] = origin

    keras.Variable.__init__ = make
    try:
        yield made
    finally:
        keras.Variable.__init__ = plain


def brought(variable: keras.Variable) -> bool:
    """Tell whether a variable was given another value since it was made."""
    first = variable.origin.first
    return first is not None and not np.array_equal(
        first.astype(variable.dtype), variable.numpy(), equal_nan=True
    )
