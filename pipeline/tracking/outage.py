"""What to say when a mirror cannot be read or written: one line, where and why.

Three things are no mistake of ours and stop no pipeline: a server or database
that is out of reach, one that is damaged or somebody else's, and one that
another process is writing.
"""

from __future__ import annotations

LONGEST_REASON = 300  # characters; MLflow and SQLAlchemy quote whole SQL statements


class MirrorUnreachable(Exception):
    """A mirror could not be read or written; `str(error)` is one line saying where and why."""


def unreachable(mirror: str, uri: str, error: BaseException) -> MirrorUnreachable:
    """Return the line for what a library raised: its innermost message, without the password.

    Args:
        mirror: Its name.
        uri: Where it is.
        error: What was raised; the database's own words are in `orig`, a wrapper's in its cause.
    """
    told = getattr(error, "orig", None) or error
    place = shown(uri)
    reason = " ".join(str(told).replace(uri, place).split()) or type(told).__name__
    cut = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."
    return MirrorUnreachable(f"{mirror} at {place}: {cut}")


def shown(uri: str) -> str:
    """Return an address as it may be printed: without user, password, and what follows a `?`."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('?')[0]}"
