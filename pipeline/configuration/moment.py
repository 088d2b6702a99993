"""What is looked at on the disk once, however often a composition asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_moment: ContextVar[dict[Any, Any] | None] = ContextVar("_moment", default=None)


@contextmanager
def at_one_moment() -> Iterator[None]:
    """Let each file be read once and each folder be listed once: a plan asks a hundred times."""
    token = _moment.set({})
    try:
        yield
    finally:
        _moment.reset(token)


def once(look: Callable[P, R]) -> Callable[P, R]:
    """Let a function that looks at the disk do so once at a moment."""

    @wraps(look)
    def looking(*place: P.args, **more: P.kwargs) -> R:
        seen, key = _moment.get(), (look, *place, *more.items())
        if seen is None:
            return look(*place, **more)
        if key not in seen:
            seen[key] = look(*place, **more)
        found: R = seen[key]
        return found

    return looking
