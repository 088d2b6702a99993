"""A pool without processes, for tests: any number of workers, any order, any death."""

import math
import random
from pathlib import Path

from questions import QUESTION, result, study

from pipeline.content import content_digest
from pipeline.execution.pool import Done
from pipeline.execution.queues import Search
from pipeline.execution.task import Failed
from pipeline.records import Environment, Result, Trial
from pipeline.search.questions import question

HERE = Environment.parse(QUESTION["environment"])


def ask(cell, *, seed, split, thresholds=(), start=None):
    return question(
        cell,
        data_digest="d",
        environment=HERE,
        seed=seed,
        split=split,
        thresholds=thresholds,
        start=start,
    )


def score(trial: Trial) -> Result:
    """A smooth objective with its best point at a rate of 0.01, and bits of its own."""
    rate = trial.optimizer.arguments["learning_rate"]
    return result(1 / (1 + math.log10(rate / 0.01) ** 2), weights=trial.key[:8])


class Killed(Exception):
    """The coordinator is gone, in the middle of whatever it did."""


class MemoryStore:
    """Answers by key, kept in memory over the coordinator's deaths, and whose models are kept."""

    def __init__(self):
        self.answers: dict[str, Result] = {}
        self.models: set[str] = set()

    def get(self, trial):
        return self.answers.get(trial.key)

    def keeps_model(self, key, result):
        return key in self.models


class SimulatedPool:
    """Workers that finish in an order drawn from a generator.

    `lives` is how many completions the coordinator lives to see; a worker's
    answer is in the store before the coordinator hears of it. `ahead` trials may wait at a worker
    that has one; `queued` counts those that did.
    """

    def __init__(
        self, store, workers: int, rng: random.Random, lives: int | None = None, ahead: int = 0
    ):
        self._store = store
        self._names = [f"worker {number}" for number in range(workers)]
        self._rng = rng
        self._lives = lives
        self._ahead = ahead
        self._given = {}
        self.trained = []
        self.most = self.queued = 0
        self.broken = set()
        self.closed = False

    def free(self):
        count = {name: len(self._given.get(name, [])) for name in self._names}
        return sorted((n for n in self._names if count[n] <= self._ahead), key=count.get)

    def submit(self, task, worker):
        assert worker in self.free()
        self.queued += worker in self._given
        self._given.setdefault(worker, []).append(task)
        self.most = max(self.most, len(self._given))

    def done(self, timeout_seconds):
        if not self._given:
            return []
        worker = self._rng.choice(sorted(self._given))
        task = self._given[worker].pop(0)
        if not self._given[worker]:
            del self._given[worker]
        self.trained.append(task.trial.key)
        if task.trial.key in self.broken:
            return [Done(task, worker, Failed(task, "broke"))]
        assert task.start is None or task.start.trial.key in self._store.models
        found = self._store.answers.setdefault(task.trial.key, score(task.trial))
        if task.keep_model:
            self._store.models.add(task.trial.key)
        if self._lives is not None:
            if not self._lives:
                raise Killed
            self._lives -= 1
        return [Done(task, worker, found)]

    def close(self):
        self.closed = True


class Silence:
    """Watches and says nothing; counts what it was told."""

    def __init__(self):
        self.begun = []
        self.fresh = []
        self.failures = []
        self.losses = []

    def answered(self, answer, *, fresh):
        self.fresh.append(fresh)

    def started(self, task, worker):
        self.begun.append((worker, task.trial.key))

    def lost(self, loss):
        self.losses.append(loss)

    def failed(self, failure):
        self.failures.append(failure)

    def tick(self): ...


def searches(*studies):
    return [Search(each, ask, Path) for each in studies]


def digest(queues) -> str:
    """What the sealed output's digest depends on."""
    return content_digest([answer.plain() for queue in queues for answer in queue.answers()])


DESIGNS = {
    "tpe": {},
    "pruned": {"prune_quantile": 0.5},
    "sobol": {"target": "pipeline.search.sobol.Sobol", "arguments": {}},
    "random": {"target": "pipeline.search.random_search.RandomSearch", "arguments": {}},
    "factorial": {"target": "pipeline.search.factorial.Factorial", "arguments": {}},
    "own_rate": {"target": "pipeline.search.factorial.Factorial", "arguments": {}},
    "grid": {"target": "pipeline.search.grid.Grid", "arguments": {"points": 2}},
}


def designed(name: str, *, lag: int, trials: int, arm: str = "batch"):
    """A study of a design, by the name of its file in conf/design."""
    chosen = DESIGNS[name]
    made = study(lag=lag, trials=trials, arm=arm)
    proposer = made.design.proposer.plain()
    if "target" in chosen:
        proposer = chosen
    else:
        proposer["arguments"] |= chosen
    space = {name: each.plain() for name, each in made.space.items()}
    if name == "grid":
        space = {key: space[key] for key in ("batch_size", "optimizer.learning_rate")}
        trials = 10
    axes: dict[str, list[float]] = {}
    seeds, own = [0], None
    if name == "factorial":
        space, trials = {}, 10
        axes = {"batch_size": [16, 32], "optimizer.learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1]}
    if name == "own_rate":  # 2 x (3 rates x 2 seeds that choose, 2 beside, 2 at their own)
        space, trials, seeds = {}, 20, [0, 1, 2, 3]
        axes = {"batch_size": [16, 32], "optimizer.learning_rate": [0.001, 0.01, 0.1]}
        own = {
            "axis": "optimizer.learning_rate",
            "choosing": 2,
            "evaluations": 1,
            "target": None,
            "statistics": "recalibrated",
            "beside": 0.001,
        }
    design = made.design.plain() | {"proposer": proposer, "trials": trials, "lag": lag, "seed": 0}
    design |= {"searches": not axes, "seeds": "every" if axes else "first", "own": own}
    return study(arm=arm, design=design, space=space, axes=axes, seeds=seeds)
