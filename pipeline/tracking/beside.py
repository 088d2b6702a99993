"""MLflow in a process of its own, which imports it while the one that trains imports TensorFlow.

It ends with the process that started it, however that ends.
"""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from pipeline.tracking.entry import Entry
from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.mirror import try_write_run

ENDED = "not in MLflow, train again: the process that writes it was ended"


class WriterBeside:
    """Writes training runs into MLflow, in a process that is ready by the time there is one."""

    def __enter__(self) -> Self:
        """Start the process; returns at once."""
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def write(self, entry: Entry) -> str:
        """Write a run, and return a line to print, which is a warning where MLflow is down.

        Raises:
            Exception: What the process raised that is no outage: a mistake of ours.
        """
        try:
            self._line.send(entry)
            told = self._line.recv()
        except (EOFError, OSError):
            return f"warning: {ENDED}"
        if isinstance(told, Exception):
            raise told
        return str(told)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End the process: what was answered is written, and what was not, the same run mends."""
        self._process.kill()  # left to itself, MLflow takes half a second to end
        self._process.join()
        self._line.close()


def _serve(line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that trains ends it
    load_mlflow()
    while True:
        try:
            entry = line.recv()
        except EOFError:
            return
        try:
            told: str | Exception = try_write_run(entry)
        except Exception as mistake:  # raised where it can be told
            told = mistake
        line.send(told)
