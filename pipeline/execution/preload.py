"""What a worker process does when it starts: leave Ctrl-C to the coordinator, which ends it."""

from __future__ import annotations

import logging
import signal
import threading


def dask_setup(_: object) -> None:
    """Be called by dask in every worker process, those that replace dead ones included."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
