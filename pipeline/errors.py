"""A user's mistake, told in one line: the place, the thing, and the way out.

Raise `Refusal` for what the user can mend; the command line prints it without
a traceback and exits with code 2. Every other exception is our bug.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|.)")  # colors and other orders to a terminal
# TensorFlow's reason stands behind a stack of its own frames
OF_A_GRAPH = re.compile(
    r"\AGraph execution error:\s+Detected at node (?P<node>\S+) .*\n\n(?P<reason>.+?)\n\t \[\[",
    re.DOTALL,
)


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
    name, text = type(error).__name__, str(error)
    if found := OF_A_GRAPH.search(text):
        text = f"{found['reason']} (in {found['node']})"
    return f"{name}: {said}"[:500] if (said := on_one_line(text)) else name


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a clause that names the valid choices, the nearest one first.

    The clause can follow any message: `"; did you mean 'model'? (valid: dataset, model, norm)"`.
    """
    names = sorted(set(valid))
    return offered(next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.5)), ""), names)


def offered(guess: str, valid: Iterable[str]) -> str:
    """Return the clause of `nearest` with a guess of one's own, empty where there is none."""
    names = sorted(set(valid))
    if not names:
        return " (none exist)"
    hint = f"; did you mean {guess!r}?" if guess else ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{hint} (valid: {shown})"
