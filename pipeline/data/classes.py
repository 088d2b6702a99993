"""Some of a source's classes: what is learned of these may be carried over to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.data.source import Source
from pipeline.errors import Refusal


def of_classes(source: Source, classes: Sequence[int]) -> Source:
    """Return the examples of some classes, in the order of the source.

    Args:
        source: All of them in memory, without splits of the publisher's.
        classes: Their numbers there; here they count from 0 in this order.

    Raises:
        Refusal: They are not two or more different classes of the source.
    """
    count = len(source.labels)
    whole = all(type(each) is int and 0 <= each < count for each in classes)
    if not whole or len(set(classes)) < len(classes) or len(classes) < 2:
        raise Refusal(
            f"dataset.source.classes={list(classes)}: must be two or more different classes, "
            f"0 .. {count - 1}"
        )
    numbers = np.full(count, -1, np.int64)
    numbers[list(classes)] = np.arange(len(classes))
    chosen = np.flatnonzero(numbers[source.targets] >= 0)
    return replace(
        source,
        examples=source.examples[chosen],
        targets=numbers[source.targets[chosen]],
        labels=tuple(source.labels[each] for each in classes),
    )
