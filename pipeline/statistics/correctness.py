"""From the bits of confirmed runs to an interval over seeds and test images at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.records import Answer
from pipeline.statistics.crossed import crossed_estimate
from pipeline.statistics.intervals import Estimate

Bits = NDArray[np.bool_]


def crossed(
    treatment: Sequence[Answer], control: Sequence[Answer], *, examples: int, level: float
) -> Estimate | None:
    """Difference in test accuracy in points, for other seeds and other images.

    Args:
        treatment: Confirmed answers of one arm.
        control: Those of the other; seeds that both have are compared.
        examples: How many test images there are.
        level: Of the interval.

    Returns:
        None with fewer than two seeds whose bits both arms have: a diverged run has none.
    """
    ours, theirs = (_by_seed(answers, examples) for answers in (treatment, control))
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < 2:
        return None
    return crossed_estimate(
        np.stack([ours[seed] for seed in seeds]),
        np.stack([theirs[seed] for seed in seeds]),
        level=level,
    )


def unpacked(text: str, examples: int) -> Bits:
    """Return a result's bits, shape (examples,).

    Raises:
        ValueError: There are fewer than that.
    """
    packed = np.frombuffer(bytes.fromhex(text), np.uint8)
    if len(packed) * 8 < examples:
        raise ValueError(f"{len(packed) * 8} bits are not one for each of {examples} examples")
    return np.unpackbits(packed)[:examples].astype(np.bool_)


def _by_seed(answers: Sequence[Answer], examples: int) -> dict[int, Bits]:
    return {
        answer.trial.seed: unpacked(answer.result.outcomes["test"], examples)
        for answer in answers
        if "test" in answer.result.outcomes
    }
