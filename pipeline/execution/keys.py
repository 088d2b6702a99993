"""A trial by the first digits of its key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from pipeline.errors import Refusal

FEWEST = 4
LISTED = 6
SHOWN = 12  # digits of a key that a line shows


def the_one(start: str, keys: Sequence[str], place: object) -> str:
    """Return the one key that begins with `start`.

    Args:
        start: At least four hexadecimal digits, in either case.
        keys: All there are, sorted.
        place: Where they are: the start of a refusal.

    Raises:
        Refusal: It is no key, or none or several begin so; the line lists candidates.
    """
    wanted = start.strip().lower()
    if not re.fullmatch(r"[0-9a-f]+", wanted):
        raise Refusal(f"{start!r} is no key: give the first {FEWEST} or more of its 64 digits")
    if len(wanted) < FEWEST:
        raise Refusal(f"{start!r} is too short for a key: give at least {FEWEST} digits")
    found = [key for key in keys if key.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        digits = _alike(found[0], found[-1]) + FEWEST  # sorted: all others are alike as far
        shown = _shown(found, digits)
        raise Refusal(f"{place}: {len(found)} keys begin with {wanted}: {shown}; give more digits")
    if not keys:
        raise Refusal(f"{place}: holds no answers; normbench train and normbench sweep write some")
    most = max(_alike(wanted, key) for key in keys)
    near = [key for key in keys if _alike(wanted, key) == most]
    raise Refusal(f"{place}: no key begins with {wanted}; the nearest: {_shown(near, SHOWN)}")


def _alike(one: str, other: str) -> int:
    """Return how many digits two keys begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _shown(keys: Sequence[str], digits: int) -> str:
    shown = [key[: max(SHOWN, digits)] for key in keys[:LISTED]]
    return ", ".join(shown) + (", ..." if len(keys) > LISTED else "")
