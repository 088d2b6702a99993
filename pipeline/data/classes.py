"""Some of a source's classes: what is learned of these may be carried over to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.source import Source
from pipeline.errors import Refusal


def of_classes(source: Source, classes: Sequence[int] | None) -> Source:
    """Return the examples of some classes, in the order of the source; None takes all.

    Args:
        source: All of them in memory, the publisher's test examples with them where there are any.
        classes: Their numbers there; here they count from 0 in this order.

    Raises:
        Refusal: They are not two or more different classes of the source.
    """
    if classes is None:
        return source
    count = len(source.labels)
    whole = all(type(each) is int and 0 <= each < count for each in classes)
    if not whole or len(set(classes)) < len(classes) or len(classes) < 2:
        raise Refusal(
            f"dataset.source.classes={list(classes)}: must be two or more different classes, "
            f"0 .. {count - 1}"
        )
    numbers = np.full(count, -1, np.int64)
    numbers[list(classes)] = np.arange(len(classes))
    examples, targets = _chosen(source.examples, source.targets, numbers)
    test = source.test_examples, source.test_targets
    if source.test_examples is not None:
        test = _chosen(source.test_examples, source.test_targets, numbers)
    return replace(
        source,
        examples=examples,
        targets=targets,
        test_examples=test[0],
        test_targets=test[1],
        labels=tuple(source.labels[each] for each in classes),
    )


def _chosen(examples: Any, targets: Any, numbers: NDArray[np.int64]) -> tuple[Any, Any]:
    chosen = np.flatnonzero(numbers[targets] >= 0)
    return examples[chosen], numbers[targets[chosen]]
