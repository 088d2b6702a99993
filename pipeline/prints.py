"""What code that a configuration names prints: one line of it, whoever prints, from C too.

The terminal is the command's, and standard output may be a script's.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pipeline.errors import on_one_line

QUIET = ("pipeline", "keras", "tensorflow")  # what they print is no user's code
SHOWN = 200  # characters
STREAMS = (1, 2)

log = logging.getLogger("normbench")


@contextmanager
def in_one_line(path: str) -> Iterator[None]:
    """Hold back what the code of a dotted path prints meanwhile; one line says how it begins."""
    if path.partition(".")[0] in QUIET:
        yield
        return
    with tempfile.TemporaryFile() as held:
        try:
            with _streams_to(held):
                yield
        finally:
            size = held.tell()
            held.seek(0)
            start = on_one_line(held.read(4 * SHOWN).decode(errors="replace"))
            if start:
                log.warning("%s printed %s bytes: %s", path, f"{size:,}", _shortened(start))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."


@contextmanager
def _streams_to(held: BinaryIO) -> Iterator[None]:
    """Let this process's standard output and error, Python's and C's, go to a file."""
    kept = [os.dup(stream) for stream in STREAMS]
    _flush()
    try:
        for stream in STREAMS:
            os.dup2(held.fileno(), stream)
        yield
    finally:
        _flush()
        for stream, copy in zip(STREAMS, kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
