"""Tables of numbers that lie inside an installed package: no network needed."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pipeline.errors import Refusal


def rows(
    file: str, package: str, *, by: str, delimiter: str | None = None, dtype: DTypeLike = float
) -> NDArray[Any]:
    """Return a text file's numbers, shape (rows, columns).

    Args:
        file: Its name, plain or compressed.
        package: The dotted path of the package that it lies in.
        by: The distribution that a user installs to have it.
        delimiter: Between numbers; None is any space.
        dtype: Of the result.

    Raises:
        Refusal: It is not there, or damaged.
    """
    try:
        with resources.as_file(resources.files(package) / file) as path:
            return np.loadtxt(path, delimiter=delimiter, dtype=dtype, ndmin=2)
    except (OSError, EOFError, ValueError, ModuleNotFoundError) as error:
        raise Refusal(
            f"{package}: {file} cannot be read ({error}); install the {by} of requirements.lock"
        ) from error
