"""What the worker of a batch job does when it starts and when it ends.

The job is the worker: called away by its queue (SIGTERM), it leaves a word and ends at once, so
that its trial goes to another one with no retry lost; without a scheduler, or retired, it ends too,
whatever it is training. Answers are written whole.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.execution import preload
from pipeline.execution.farewell import leave_word

FOLDER = "NORMBENCH_RUN_FOLDER"  # in a worker's environment: where it leaves its word


def dask_setup(worker: Any) -> None:
    """Be called by dask in the worker's process."""
    preload.dask_setup(worker)
    folder = Path(os.environ[FOLDER])

    def leave(_: int, __: FrameType | None) -> None:
        try:
            leave_word(folder, worker.address)
        finally:
            os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)


def dask_teardown(_: Any) -> None:
    """Be called by dask when the worker closes: end its job, without waiting for its training."""
    os._exit(0)
