"""Who works, by dask: processes on this machine, or a scheduler that is already there."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.comm import connect
from distributed.core import Status
from distributed.security import Security

from pipeline.errors import Refusal, reason_of
from pipeline.execution.cores import cores
from pipeline.execution.crew import FOREVER, Patience, Steady
from pipeline.execution.dask_pool import DaskPool, Job
from pipeline.execution.dask_security import secured
from pipeline.execution.job_queue import standing
from pipeline.execution.quiet import quiet
from pipeline.execution.scratch import Scratch
from pipeline.execution.sight import look
from pipeline.execution.store import Store
from pipeline.studies import Limits

ATTEMPTS = 4  # to start the workers of this machine
PATIENCE_SECONDS = 120  # without any worker on this machine
TOLD_SECONDS = 15  # until a line says that somebody else's scheduler has no worker
SETTINGS: dict[str, Any] = {
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


def local(
    store: Store,
    limits: Limits,
    folders: Sequence[Path] = (),
    code: Sequence[str] = (),  # noqa: ARG001
    *,
    workers: int | None,
    job: Job | None = None,
) -> DaskPool:
    """Start worker processes on this machine, reachable from this machine alone.

    Args:
        store: Where they write.
        limits: What they may spend on a trial.
        folders: The arrays that they must see.
        code: Modules of the user's own that trials name; they import them where this process does.
        workers: How many; nothing means one per core that this process may use.
        job: What they do with a task, where it is not to train.

    Raises:
        Refusal: There would be no worker.
    """
    if workers is not None and workers < 1:
        raise Refusal(f"cluster.workers must be at least 1, got {workers}")
    count = workers if workers is not None else cores()
    quiet()
    sight, scratch = look(store, folders), Scratch()
    with dask.config.set(_settings(scratch.folder)):
        try:
            cluster = _started(count)
            client = Client(cluster, set_as_default=False)
        except BaseException:
            scratch.end()
            sight.end()
            raise

    return DaskPool(client, store, limits, sight, Own(cluster, client, scratch, count), job)


class Own(Steady):
    """The worker processes of this machine, and the nannies that look after them."""

    def __init__(self, cluster: LocalCluster, client: Client, scratch: Scratch, count: int) -> None:
        self._cluster = cluster
        self._client = client
        self._scratch = scratch
        self._count = count
        self._patience = Patience("no worker process has come up", limit_seconds=PATIENCE_SECONDS)

    def look(self, alive: Sequence[str]) -> None:
        """Replace nannies that could not start their worker again: they are gone for good.

        Raises:
            Refusal: No worker comes up.
        """
        if len(alive) < self._count:
            self._cluster.scale(self._count)
        self._patience.look(len(alive))

    def end(self) -> None:
        """End workers and scheduler."""
        for nanny in self._cluster.workers.values():
            nanny.status = Status.closing_gracefully  # else it starts another worker
            if nanny.pid:
                os.kill(nanny.pid, signal.SIGKILL)  # training does not listen; answers are whole
        try:
            self._client.close(timeout=1)
            self._cluster.close(timeout=10)
        finally:
            self._scratch.end()


def _settings(scratch: Path) -> dict[str, Any]:
    """Return SETTINGS with a temporary folder that workers, who are killed, may leave as it is."""
    environment = "distributed.nanny.pre-spawn-environ"
    workers = {**SETTINGS[environment], "TMPDIR": str(scratch)}
    return SETTINGS | {environment: workers, "temporary-directory": str(scratch)}


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
    folders: Sequence[Path] = (),
    code: Sequence[str] = (),  # noqa: ARG001
    *,
    address: str,
    tls_ca_file: str | None,
    tls_client_cert: str | None,
    tls_client_key: str | None,
    timeout_seconds: float,
    patience_seconds: float | None,
    state: str | None,
) -> DaskPool:
    """Connect to a scheduler that is already there.

    Args:
        store: Where its workers write: a folder that they and this process share.
        limits: What they may spend on a trial.
        folders: The arrays that its workers must see.
        code: Modules of the user's own that trials name; whoever starts a worker sees to them.
        address: Such as `tcp://host:8786`, or `tls://host:8786` with the three files.
        tls_ca_file: The authority that signed everybody's certificates.
        tls_client_cert: This process's certificate.
        tls_client_key: Its key.
        timeout_seconds: How long to try.
        patience_seconds: How long to wait where it has no worker; nothing means for ever.
        state: A command that lists the jobs its workers run in, where a queue starts them.

    Raises:
        Refusal: Nobody answers, or a file is missing.
    """
    files = {
        "tls_ca_file": tls_ca_file,
        "tls_client_cert": tls_client_cert,
        "tls_client_key": tls_client_key,
    }
    quiet()
    security = secured(address, files)
    sight = look(store, folders)
    with dask.config.set(SETTINGS), warnings.catch_warnings():
        try:
            asyncio.run(_call(address, security, timeout_seconds))
            client = Client(
                address, security=security, timeout=timeout_seconds, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
            sight.end()
            raise Refusal(f"cluster.address: {address}: {_unanswered(error)}") from error
    patience = Patience(
        f"no worker has come to {address}",
        tell_seconds=TOLD_SECONDS,
        limit_seconds=FOREVER if patience_seconds is None else patience_seconds,
        state=lambda: standing(state),
    )
    return DaskPool(client, store, limits, sight, Others(client, patience))


class Others(Steady):
    """The workers of somebody else's scheduler: its owner starts, replaces and ends them."""

    def __init__(self, client: Client, patience: Patience) -> None:
        self._client = client
        self._patience = patience

    def look(self, alive: Sequence[str]) -> None:
        """Wait for the first of them.

        Raises:
            Refusal: None comes.
        """
        self._patience.look(len(alive))

    def end(self) -> None:
        """Leave the scheduler."""
        self._client.close(timeout=1)


async def _call(address: str, security: Security | None, timeout_seconds: float) -> None:
    """Connect once before a client is made: one that fails to start prints when it is deleted."""
    arguments = security.get_connection_args("client") if security else {}
    comm = await connect(address, timeout=timeout_seconds, **arguments)
    comm.abort()


def _unanswered(error: Exception) -> str:
    """Return why nobody answers, in words where dask has none."""
    if not str(error):
        return "whoever answers there does not speak TLS; is it tcp:// ?"
    return f"no answer: {reason_of(error)}"
