"""A user's mistake, told in one line: the place, the thing, and the way out.

Raise `Refusal` for what the user can mend; the command line prints it without
a traceback and exits with code 2. Every other exception is our bug.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|.)")  # colors and other orders to a terminal


class Refusal(Exception):
    """The request cannot be carried out; `str(refusal)` is the whole message."""

    def __str__(self) -> str:
        return on_one_line(super().__str__())


class Unfinished(Exception):
    """Some trials were given up; `str(unfinished)` lists them. What is done is kept."""


class Contradiction(Exception):
    """A trial was trained again and gave other bits: determinism is broken."""


def on_one_line(text: str) -> str:
    """Return a text without line breaks and without what would steer a terminal."""
    return "".join(each for each in " ".join(ESCAPES.sub("", text).split()) if each >= " ")


def reason_of(error: BaseException) -> str:
    """Return an exception as one line of at most 500 characters."""
    name = type(error).__name__
    return f"{name}: {said}"[:500] if (said := on_one_line(str(error))) else name


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
