"""Who works, by dask: jobs of a batch queue, Slurm or another that dask-jobqueue knows.

A job is one worker process of one thread. The scheduler lives in this process; certificates for
the two ends are made for the run, and end with it. The jobs import the code that the sweep was
started with.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from socket import SOCK_STREAM, create_server, getaddrinfo
from typing import Any

import dask
import dask_jobqueue
from distributed import Client
from distributed.security import Security
from distributed.utils import get_ip, get_ip_interface

from pipeline.errors import Refusal, nearest, reason_of
from pipeline.execution.dask_clusters import SETTINGS
from pipeline.execution.dask_pool import DaskPool, Job
from pipeline.execution.dask_security import made_for_run
from pipeline.execution.frozen import freeze
from pipeline.execution.job_crew import LOGS, Jobs, remembering
from pipeline.execution.job_preload import FOLDER
from pipeline.execution.lifetimes import Lifetimes
from pipeline.execution.quiet import quiet
from pipeline.execution.scratch import Scratch
from pipeline.execution.sight import look
from pipeline.execution.store import Store
from pipeline.studies import Limits

CONNECT_SECONDS = 60  # a job that finds no scheduler ends
CODE = "code"  # in the run's folder
ENVIRONMENT = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONSAFEPATH": "1",  # else the package in the job's folder comes before the frozen one
}
WORKER = (
    *("--memory-limit", "0"),  # a trial's limit is ours: dask would pause, spill and guess
    *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),  # its server starts all the same
    *("--preload", "pipeline.execution.job_preload"),
)


def queued(
    store: Store,
    limits: Limits,
    folders: Sequence[Path] = (),
    code: Sequence[str] = (),
    *,
    scheduler: str,
    jobs: int,
    memory: str,
    walltime: str | None,
    queue: str | None,
    account: str | None,
    directives: Sequence[str],
    more: Sequence[str],
    prologue: Sequence[str],
    python: str | None,
    host: str | None,
    interface: str | None,
    folder: str,
    scratch: str | None,
    lifetime_seconds: float | None,
    stagger_seconds: float,
    patience_seconds: float,
    state: str,
    insecure: bool,
    job: Job | None = None,
) -> DaskPool:
    """Start a scheduler here, and submit the jobs that work for it.

    Args:
        store: Where workers write: a folder that they and this process share.
        limits: What they may spend on a trial.
        folders: The arrays that they must see.
        code: Modules of the user's own that trials name.
        scheduler: The queue, by dask-jobqueue's name: `slurm`, `pbs`, `sge`, `lsf`, ...
        jobs: How many; those that are gone are replaced.
        memory: Of one job, such as `2GB`.
        walltime: Of one job, such as `01:00:00`.
        queue: Which queue, or partition; nothing means the site's own choice.
        account: Whom jobs are charged to.
        directives: Further lines of a job's head, without their `#SBATCH`.
        more: What else dask-jobqueue's class for the queue takes, as `name=value`.
        prologue: Lines of shell that a job runs before its worker: modules, environments.
        python: The nodes' Python; nothing means the one that runs here.
        host: This machine's address as nodes reach it; nothing means the one it has itself.
        interface: The network that workers and scheduler use, such as `ib0`.
        folder: Shared with the nodes: certificates, frozen code and the jobs' logs lie below it.
        scratch: A node's folder for temporary files; nothing means its `$TMPDIR`, else `/tmp`.
        lifetime_seconds: A worker of this age begins no further trial; nothing means no age does.
        stagger_seconds: By how much less at most, drawn for each worker.
        patience_seconds: Without any worker for so long, a line says how the queue stands.
        state: The command that lists jobs, a line each that begins with the job's number.
        insecure: Whether to do without certificates: whoever reaches the scheduler runs code.
        job: What workers do with a task, where it is not to train.

    Raises:
        Refusal: There is no such queue here, it does not take what is asked, or a folder cannot be
            written.
    """
    kind = queue_class(scheduler)
    if jobs < 1:
        raise Refusal(f"cluster.jobs must be at least 1, got {jobs}")
    if host is not None:
        _check_is_ours(host)
    lives = Lifetimes(lifetime_seconds, stagger_seconds)
    quiet()
    with ExitStack() as undo:
        run = run_folder(folder)
        undo.callback(run.end)
        sight = look(store, folders)
        undo.callback(sight.end)
        freeze(run.folder / CODE, code)
        try:
            cluster = _started(
                kind,
                memory=memory,
                python=f"exec {shlex.quote(python or sys.executable)}",  # it gets the job's signals
                job_extra_directives=list(directives),
                job_script_prologue=prologue_of(run.folder, prologue, Path.cwd()),
                local_directory=f'"{scratch or "${TMPDIR:-/tmp}"}"',
                log_directory=str(run.folder.parent / LOGS),
                interface=interface,
                protocol="tcp://" if insecure else "tls://",
                security=None if insecure else made_for_run(run.folder),
                host=host or (get_ip_interface(interface) if interface else get_ip()),
                **_given(walltime=walltime, queue=queue, account=account),
                **named_values(more),
            )
            client = Client(cluster, set_as_default=False)
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            raise Refusal(f"cluster {scheduler}: {reason_of(error)}") from error
        undo.pop_all()
    crew = Jobs(
        cluster,
        client,
        run,
        count=jobs,
        lives=lives,
        state=state,
        patience_seconds=patience_seconds,
    )
    return DaskPool(client, store, limits, sight, crew, job)


def _check_is_ours(host: str) -> None:
    """See whether a scheduler can be reached here under this name.

    Raises:
        Refusal: It is no address of this machine.
    """
    try:
        family, *_ = getaddrinfo(host, 0, type=SOCK_STREAM)[0]
        with create_server((host, 0), family=family):
            return
    except OSError as error:
        raise Refusal(
            f"cluster.host={host}: is no address of this machine ({error.strerror or error}); give "
            "the one that nodes reach, or its interface"
        ) from error


def _started(kind: Any, *, host: str, security: Security | None, **given: Any) -> Any:
    """Return a cluster of one class, its scheduler at `host` and its jobs still to be submitted."""
    job = remembering(kind.job_cls)
    given |= {
        "cores": 1,
        "processes": 1,
        "nanny": False,
        "job_name": "normbench",
        "worker_extra_args": list(WORKER),
        "death_timeout": CONNECT_SECONDS,
    }
    job("tcp://127.0.0.1:1", name="none", **given)  # refuses before there is anything to end
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1000d"})  # we replace them
    options = {
        "host": host,
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",  # nothing would mean port 8787
    }
    with dask.config.set(SETTINGS):
        return kind(
            job_cls=job, security=security, scheduler_options=options, silence_logs=False, **given
        )


def queue_class(scheduler: str) -> Any:
    """Return dask-jobqueue's class for a queue whose command is on this machine.

    Raises:
        Refusal: It knows no such queue, or there is no command to submit jobs with.
    """
    known = {
        name.removesuffix("Cluster").lower(): found
        for name, found in vars(dask_jobqueue).items()
        if name.endswith("Cluster") and hasattr(found, "job_cls")
    }
    if scheduler not in known:
        raise Refusal(f"cluster.scheduler: knows no {scheduler!r}{nearest(scheduler, known)}")
    submit = shlex.split(known[scheduler].job_cls.submit_command)[0]
    if shutil.which(submit) is None:
        raise Refusal(
            f"cluster {scheduler}: there is no {submit} on the PATH; run this where jobs are "
            "submitted, or choose who works: --cluster local"
        )
    return known[scheduler]


def run_folder(parent: str) -> Scratch:
    """Return a new folder for one run, below one that the nodes see under the same path.

    Raises:
        Refusal: It cannot be made, or its name would end in the middle in a job's script.
    """
    place = Path(parent).resolve()
    if len(str(place).split()) > 1 or shlex.quote(str(place)) != str(place):
        raise Refusal(
            f"cluster.folder: {place} has blanks or signs that a job's script cannot name; "
            "choose another folder that the nodes see"
        )
    try:
        (place / LOGS).mkdir(parents=True, exist_ok=True)
        return Scratch(place)
    except OSError as error:
        raise Refusal(f"cluster.folder: {place}: {error.strerror or error}") from error


def prologue_of(run: Path, lines: Sequence[str], here: Path) -> list[str]:
    """Return what a job runs before its worker: the user's lines, then what decides which code.

    Args:
        run: The run's folder; a job that starts when it is gone has nobody to work for.
        lines: The user's.
        here: The sweep's current folder.
    """
    named = [Path(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    places = [run / CODE, *(each.resolve() for each in named), here]
    path = os.pathsep.join(map(str, dict.fromkeys(places)))
    environment = {**ENVIRONMENT, FOLDER: str(run)}
    return [
        f"[ -d {run} ] || exit 0",
        f"cd {shlex.quote(str(here))} || exit 1",
        *lines,
        *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
        f'export PYTHONPATH={shlex.quote(path)}"${{PYTHONPATH:+:$PYTHONPATH}}"',
    ]


def named_values(words: Sequence[str]) -> dict[str, str]:
    """Return `name=value` words by their names.

    Raises:
        Refusal: A word is something else.
    """
    for word in words:
        if not word.partition("=")[0].isidentifier() or "=" not in word:
            raise Refusal(f"cluster.more: {word!r} is not name=value")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _given(**arguments: str | None) -> dict[str, str]:
    """Return what is given: a queue's class may not know a name that nobody uses there."""
    return {name: value for name, value in arguments.items() if value is not None}
