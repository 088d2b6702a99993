"""What a worker process does when it starts.

It leaves Ctrl-C to the coordinator, which ends it, takes its environment over before any library
reads it, and spares Keras what it does without. What a model's code prints, megabytes perhaps, goes
nowhere: the terminal is the coordinator's.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress

from pipeline.errors import Refusal
from pipeline.execution.spared import spare_keras
from pipeline.training.surroundings import line_of, take_over


def dask_setup(_: object) -> None:
    """Be called by dask in every worker process, those that replace dead ones included."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(Refusal):  # a trial will say so
        if told := line_of(take_over(late="tensorflow" in sys.modules)):
            print(f"normbench worker: {told}", file=sys.stderr)
    spare_keras()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
