"""Splits: exact counts, a seeded random order and, where there are classes, fair shares of each.

Targets and a generator in, indices out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal

Integers = NDArray[np.int64]


def stratified(
    targets: Integers,
    counts: Mapping[str, int],
    names: Sequence[str],
    generator: np.random.Generator,
    place: str,
) -> dict[str, Integers]:
    """Return disjoint random indices into `targets` for each split.

    A split's order is random too, so that any prefix of it is a fair sample.

    Args:
        targets: Shape (n,), 0 .. len(names) - 1.
        counts: Examples of each split; what they leave of n stays unused.
        names: What the classes are called, for the messages.
        generator: Draws the members and their order.
        place: Start of the messages: whose split this is.

    Raises:
        Refusal: More examples are asked for than there are, or a class is too
            small to appear in every split.
    """
    asked = _asked(len(targets), counts, place)
    sizes = np.bincount(targets, minlength=len(names)).astype(np.int64)
    shares = apportion(sizes, np.array(list(counts.values()), dtype=np.int64))
    for split, share in zip(counts, shares, strict=True):
        if not share.all():
            i = int(np.argmin(share))
            raise Refusal(
                f"{place}: class {names[i]!r} has {sizes[i]} of {len(targets)} examples, too few "
                f"to appear in {split} when {asked} are asked for; ask for more, or leave it out"
            )
    parts: dict[str, list[Integers]] = {split: [] for split in counts}
    for i in range(len(names)):
        members = generator.permutation(np.flatnonzero(targets == i))
        ends = np.cumsum(shares[:, i])
        for split, part in zip(counts, np.split(members, ends)[: len(counts)], strict=True):
            parts[split].append(part)
    return {split: generator.permutation(np.concatenate(part)) for split, part in parts.items()}


def shuffled(
    total: int, counts: Mapping[str, int], generator: np.random.Generator, place: str
) -> dict[str, Integers]:
    """Return disjoint random indices below `total` for each split, where there are no classes.

    Args:
        total: How many examples there are.
        counts: Examples of each split; what they leave of the total stays unused.
        generator: Draws the members and their order.
        place: Start of the messages: whose split this is.

    Raises:
        Refusal: More examples are asked for than there are.
    """
    _asked(total, counts, place)
    ends = np.cumsum(list(counts.values()))
    return dict(zip(counts, np.split(generator.permutation(total), ends), strict=False))


def _asked(total: int, counts: Mapping[str, int], place: str) -> str:
    """Return what is asked for in words, and refuse it where there are too few examples."""
    asked = ", ".join(f"{split} {count}" for split, count in counts.items())
    if sum(counts.values()) > total:
        raise Refusal(
            f"{place}: {asked} make {sum(counts.values())}, but there are "
            f"{total} examples; ask for fewer"
        )
    return asked


def apportion(sizes: Integers, counts: Integers) -> Integers:
    """Return how many examples of each class go to each split, shape (splits, classes).

    Split i's fair share of class c is counts[i] * sizes[c] / sum(sizes). Each
    cell is that share rounded down or up, rows sum to `counts`, and no class
    is used beyond its size. Larger remainders are rounded up first; where a
    class runs out, an earlier split's choice is moved (an augmenting path; as
    the fair shares are themselves a flow, a whole-numbered one exists).

    Args:
        sizes: Examples of each class, shape (classes,).
        counts: Examples of each split, shape (splits,), at most sum(sizes) together.
    """
    total = int(sizes.sum())
    rows = np.append(counts, total - counts.sum())  # the last row stays unused
    shares, remainders = np.divmod(rows[:, None] * sizes[None, :], max(total, 1))
    free = sizes - shares.sum(axis=0)
    up = np.zeros_like(shares, dtype=bool)
    order = np.argsort(-remainders, axis=1, kind="stable")

    def round_up(row: int, visited: set[int]) -> bool:
        visited.add(row)
        open_cells = [c for c in order[row] if remainders[row, c] and not up[row, c]]
        for c in open_cells:
            if free[c]:
                free[c] -= 1
                up[row, c] = True
                return True
        for c in open_cells:
            for other in np.flatnonzero(up[:, c]):
                if other not in visited and round_up(int(other), visited):
                    up[other, c], up[row, c] = False, True
                    return True
        return False

    for row, missing in enumerate(rows - shares.sum(axis=1)):
        for _ in range(int(missing)):
            rounded = round_up(row, set())
            assert rounded, "fair shares are feasible, so their rounding is"
    return np.asarray((shares + up)[: len(counts)])
