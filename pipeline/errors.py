"""A user's mistake, told in one line: the place, the thing, and the way out.

Raise `Refusal` for what the user can mend; the command line prints it without
a traceback and exits with code 2. Every other exception is our bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Refusal(Exception):
    """The request cannot be carried out; `str(refusal)` is the whole message."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class Unfinished(Exception):
    """Some trials were given up; `str(unfinished)` lists them. What is done is kept."""


class Contradiction(Exception):
    """A trial was trained again and gave other bits: determinism is broken."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a clause that names the valid choices, the nearest one first.

    The clause can follow any message: `"; did you mean 'model'? (valid: dataset, model, norm)"`.
    """
    names = sorted(set(valid))
    if not names:
        return " (none exist)"
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{hint} (valid: {shown})"
