"""What a sweep costs around its trials: the loop's rate, its price, and what a lag buys."""

import heapq
import random
import resource
import tempfile
import time
from pathlib import Path
from statistics import fmean

import numpy as np
from questions import result, study
from simulated import MemoryStore, Silence, designed, score, searches

from pipeline.execution.dask_clusters import local
from pipeline.execution.loop import run
from pipeline.execution.pool import Done
from pipeline.execution.store import Clock, Store
from pipeline.execution.task import Task
from pipeline.search.space import bounds
from pipeline.studies import Limits

SLEEP_SECONDS = 0.2
CLOCK = Clock(started=1.0, wall_seconds=1.0, commit="", dirty="", host="")
UNLIMITED = Limits(wall_seconds=None, memory_bytes=None)


def sleep(task: Task, store: Store, _: Limits):
    """A worker's job that takes 0.2 s and writes its answer like any other."""
    time.sleep(SLEEP_SECONDS)
    found = score(task.trial)
    store.put(task.trial, found, CLOCK)
    return found


def rates(counts: tuple[int, ...] = (50, 200, 1000), workers: int = 2) -> list[list[str]]:
    """Return rows: trials, seconds, seconds if nothing but sleep took time, share of that rate."""
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            pool = local(store, UNLIMITED, workers=workers, job=sleep)
            run(
                searches(designed("sobol", lag=16, trials=4)),
                lambda pool=pool: Kept(pool),
                store,
                Silence(),
            )
            asked = designed("sobol", lag=16, trials=count, arm="timed")
            asked = asked.model_copy(update={"experiment": f"of {count}"})
            started = time.perf_counter()
            run(searches(asked), lambda pool=pool: Kept(pool), store, Silence())
            seconds = time.perf_counter() - started
            pool.close()
        ideal = count * SLEEP_SECONDS / workers
        rows.append([str(count), f"{seconds:.1f}", f"{ideal:.1f}", f"{ideal / seconds:.0%}"])
    return rows


class Kept:
    """A pool that outlives the run it is lent to."""

    def __init__(self, pool):
        self.free, self.submit, self.done = pool.free, pool.submit, pool.done

    def close(self): ...


class Instant:
    """One worker whose trials take no time: what is left is asking, storing and telling."""

    def __init__(self, store):
        self._store = store
        self._given = None
        self.at = []

    def free(self):
        return [] if self._given else ["instant"]

    def submit(self, task, worker):
        self._given = task

    def done(self, timeout_seconds):
        task, self._given = self._given, None
        found = score(task.trial)
        self._store.put(task.trial, found, CLOCK)
        self.at.append(time.perf_counter())
        return [Done(task, "instant", found)]

    def close(self): ...


def prices(count: int = 1000, lag: int = 8) -> list[list[str]]:
    """Return rows: TPE trial number, milliseconds to ask, store and tell (mean of the 40 up to it:
    asking comes in bursts).
    """
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        pool = Instant(store)
        run(searches(study(lag=lag, trials=count)), lambda: pool, store, Silence())
    steps = np.diff(pool.at) * 1000
    marks = [mark for mark in (50, 200, 500, count) if mark <= count]
    return [[str(mark), f"{fmean(steps[mark - 40 : mark]):.0f}"] for mark in marks]


class Clockwork:
    """Workers in simulated time: a trial takes what its batch size costs."""

    def __init__(self, store, workers: int, costs: dict[int, float]):
        self._store = store
        self._costs = costs
        self._idle = [f"worker {number:02}" for number in range(workers)]
        self._running = []
        self.now = 0.0
        self.worked = 0.0

    def free(self):
        return list(self._idle)

    def submit(self, task, worker):
        seconds = self._costs[task.trial.batch_size]
        self._idle.remove(worker)
        self.worked += seconds
        heapq.heappush(self._running, (self.now + seconds, worker, task))

    def done(self, timeout_seconds):
        self.now, worker, task = heapq.heappop(self._running)
        self._idle.append(worker)
        found = surface(task.trial)
        self._store.answers[task.trial.key] = found
        return [Done(task, worker, found)]

    def close(self): ...


class Site:
    """A coordinator and many workers in simulated time: a worker waits while the former is busy.

    What the coordinator computes between two answers is measured on this machine and is added to
    the simulated time. Trials take half to one and a half times as long as on average.
    """

    def __init__(self, store, workers: int, seconds: float):
        self._store = store
        self._seconds = seconds
        self._idle = [f"worker {number:04}" for number in range(workers)]
        self._running = []
        self._began = time.process_time()
        self.now = self.worked = self.busy = 0.0

    def free(self):
        return self._idle[:1]

    def submit(self, task, worker):
        seconds = self._seconds * (0.5 + int(task.trial.key[:8], 16) / 2**32)
        self._idle.remove(worker)
        self.worked += seconds
        heapq.heappush(self._running, (self.now + seconds, task.trial.key, worker, task))

    def done(self, timeout_seconds):
        spent = time.process_time() - self._began
        self.busy += spent
        over, _, worker, task = heapq.heappop(self._running)
        self.now = max(over, self.now + spent)
        self._idle.append(worker)
        found = result(0.5)
        self._store.answers[task.trial.key] = found
        self._began = time.process_time()
        return [Done(task, worker, found)]

    def close(self): ...


def site(workers: int, seconds: float, *, lag: int, trials: int, studies: int = 8) -> list[str]:
    """Return a row of `scale` for one site."""
    asked = [
        designed("random", lag=lag, trials=trials // studies, arm=f"arm {place}")
        for place in range(studies)
    ]
    store = MemoryStore()
    pool = Site(store, workers, seconds)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(searches(*asked), lambda: pool, store, Silence())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return [
        f"{trials:,}",
        str(workers),
        f"{seconds:g}",
        str(lag),
        f"{pool.worked / (workers * pool.now):.1%}",
        f"{1000 * pool.busy / trials:.2f}",
        f"{grown / trials:.1f}",
    ]


def scale(most: int = 100_000) -> list[list[str]]:
    """Return rows: trials, workers, seconds a trial, lag, workers busy, coordinator's CPU in ms
    and memory in KiB a trial; lags are those that could keep all workers busy, and more.
    """
    rows = [
        site(workers, seconds, lag=max(1, factor * workers // 8), trials=max(800, 20 * workers))
        for workers in (1, 10, 100, 1000)
        for factor in (1, 2, 4)
        for seconds in ((5, 60, 600) if factor == 2 else (60,))
    ]
    return [*rows, site(1000, 60, lag=most, trials=most)]


def surface(trial):
    """A rugged objective: rate and batch size act together, momentum and epsilon a little."""
    rate = np.log10(trial.optimizer.arguments["learning_rate"])
    batch = np.log2(trial.batch_size)
    layer = trial.norm.layer.arguments
    best_rate = -2.6 + 0.25 * (batch - 6)
    loss = 0.30 * (rate - best_rate) ** 2 + 0.01 * (batch - 6) ** 2
    loss += 0.05 * (np.log10(1 - layer["momentum"]) + 1.2) ** 2
    loss += 0.01 * (np.log10(layer["epsilon"]) + 3) ** 2
    noise = random.Random(trial.key).gauss(0, 0.004)
    return result(float(0.97 * np.exp(-loss) + noise))


def costs(cheap: float = 1.0, dear: float = 10.0) -> dict[int, float]:
    """Return seconds by batch size: tenfold between the largest and the smallest, as measured."""
    low, high = bounds(study().space["batch_size"])
    sizes = [2**power for power in range(round(low), round(high) + 1)]
    shares = np.linspace(1, 0, len(sizes))
    return {size: float(cheap * (dear / cheap) ** s) for size, s in zip(sizes, shares, strict=True)}


def lags(
    candidates: tuple[int, ...] = (1, 2, 4, 8, 16, 32),
    *,
    studies: int = 8,
    workers: int = 64,
    trials: int = 64,
    seeds: int = 4,
) -> list[list[str]]:
    """Return rows: lag, busy share of the workers, best score of a study, averaged over seeds."""
    rows = []
    for lag in candidates:
        busy, best = [], []
        for seed in range(seeds):
            asked = [
                study(lag=lag, trials=trials, arm=f"arm {place}", experiment=f"seed {seed}")
                for place in range(studies)
            ]
            store = MemoryStore()
            pool = Clockwork(store, workers, costs())
            queues = searches(*asked)
            run(queues, lambda pool=pool: pool, store, Silence())
            busy.append(pool.worked / (workers * pool.now))
            best += [
                max(a.result.metrics["validation_score"] for a in queue.answers())
                for queue in queues
            ]
        error = float(np.std(best, ddof=1) / len(best) ** 0.5)
        rows.append([str(lag), f"{fmean(busy):.0%}", f"{fmean(best):.4f} ± {error:.4f}"])
    return rows
