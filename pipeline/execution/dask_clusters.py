"""Who works, by dask: processes on this machine, or a scheduler that is already there."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from pathlib import Path

import dask
from distributed import Client, LocalCluster
from distributed.core import Status
from distributed.security import Security

from pipeline.errors import Refusal
from pipeline.execution.dask_pool import DaskPool, Job
from pipeline.execution.store import Store
from pipeline.execution.work import reason_of
from pipeline.records import Limits

ATTEMPTS = 4  # to start the workers of this machine
SETTINGS = {
    "distributed.scheduler.work-stealing": False,  # a trial stays where its graph is
    # dask's own setting makes malloc give memory back at once, which training then faults in again
    "distributed.nanny.pre-spawn-environ": {
        "DASK_LOGGING__DISTRIBUTED": "critical",
        "MALLOC_ARENA_MAX": 1,  # one thread trains: further arenas only hold memory back
        "OMP_NUM_THREADS": 1,
    },
    # it samples TensorFlow's deep stacks a hundred times a second, and keeps them
    "distributed.worker.profile.enabled": False,
    "distributed.worker.daemon": True,
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.comm.timeouts.connect": "30s",
}


def local(store: Store, limits: Limits, *, workers: int | None, job: Job | None = None) -> DaskPool:
    """Start worker processes on this machine, reachable from this machine alone.

    Args:
        store: Where they write.
        limits: What they may spend on a trial.
        workers: How many; nothing means one per core that this process may use.
        job: What they do with a task, where it is not to train.

    Raises:
        Refusal: There would be no worker.
    """
    if workers is not None and workers < 1:
        raise Refusal(f"cluster.workers must be at least 1, got {workers}")
    count = workers if workers is not None else len(os.sched_getaffinity(0))
    _quiet()
    with dask.config.set(SETTINGS):
        cluster = _started(count)
        client = Client(cluster, set_as_default=False)

    def end() -> None:
        for nanny in cluster.workers.values():
            nanny.status = Status.closing_gracefully  # else it starts another worker
            if nanny.pid:
                os.kill(nanny.pid, signal.SIGKILL)  # training does not listen; answers are whole
        client.close(timeout=1)
        cluster.close(timeout=10)

    def mend(alive: int) -> None:
        if alive < count:
            cluster.scale(count)  # a nanny that could not start its worker again is gone for good

    return DaskPool(client, store, limits, end, job, mend)


def _started(workers: int) -> LocalCluster:
    """Return a cluster whose workers are there; one that dies while it starts is no reason to stop.

    Raises:
        Refusal: No attempt came through.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # a trial's limit is ours: dask would pause, spill and guess
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # nothing would mean port 8787, taken or not
                worker_dashboard_address=None,
                preload=["pipeline.execution.preload"],
                silence_logs=False,
            )
        except (RuntimeError, OSError) as error:
            if attempt == ATTEMPTS:
                raise Refusal(
                    f"cluster: {workers} worker processes did not start: {reason_of(error)}"
                ) from error
    raise AssertionError("every attempt returns or raises")


def address(
    store: Store,
    limits: Limits,
    *,
    address: str,
    tls_ca_file: str | None,
    tls_client_cert: str | None,
    tls_client_key: str | None,
    timeout_seconds: float,
) -> DaskPool:
    """Connect to a scheduler that is already there.

    Args:
        store: Where its workers write: a folder that they and this process share.
        limits: What they may spend on a trial.
        address: Such as `tcp://host:8786`, or `tls://host:8786` with the three files.
        tls_ca_file: The authority that signed everybody's certificates.
        tls_client_cert: This process's certificate.
        tls_client_key: Its key.
        timeout_seconds: How long to try.

    Raises:
        Refusal: Nobody answers, or a file is missing.
    """
    files = {
        "tls_ca_file": tls_ca_file,
        "tls_client_cert": tls_client_cert,
        "tls_client_key": tls_client_key,
    }
    for name, file in files.items():
        if file is not None and not Path(file).is_file():
            raise Refusal(f"cluster.{name}: there is no file {file}")
    _quiet()
    security = Security(**files, require_encryption=True) if tls_ca_file else None
    with dask.config.set(SETTINGS), warnings.catch_warnings():
        try:
            client = Client(
                address, security=security, timeout=timeout_seconds, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise Refusal(f"cluster.address: {address}: {reason_of(error)}") from error
    return DaskPool(client, store, limits, lambda: client.close(timeout=1))


def _quiet() -> None:
    """Silence dask's own log: what concerns the user is told by the sweep."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
