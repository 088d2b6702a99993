"""Silence for libraries that log what the user is told in one line."""

from __future__ import annotations

import logging

LOUD = ("distributed", "dask", "tornado", "asyncio")
SILENT = logging.CRITICAL + 1


def quiet() -> None:
    """Silence dask's own log and its event loop's: what concerns the user is told by the sweep.

    Dask gives several of its loggers a level and a handler of their own, so that their common
    parent's level does not reach them.
    """
    known = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LOUD]
    for name in (*LOUD, *known):
        logging.getLogger(name).setLevel(SILENT)
