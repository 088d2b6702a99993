"""Which worker for which trial: one that already has its graph, as long as no core waits.

A hint, not a promise: it moves work, never a digit.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.content import content_digest
from pipeline.execution.task import Task
from pipeline.records import Trial

REMEMBERED = 12  # graphs a worker is taken to hold


class Graph(NamedTuple):
    """What a trial's graph may depend on, as digests: with epsilon (on images), and without."""

    narrow: str
    wide: str


class Affinity:
    """What each worker has compiled, by the order in which it was used."""

    def __init__(self) -> None:
        self._held: dict[str, OrderedDict[Graph, None]] = {}
        self._holders: Counter[str] = Counter()  # how many graphs are held, of all workers

    def choose(self, waiting: Sequence[Task], worker: str, left: Mapping[str, int]) -> Task | None:
        """Return the task for a free worker: its own graph first, then one that nobody has.

        Among equals, the study with the most left goes first, so that none is
        late; then the lowest index.
        """
        mine = self._held.get(worker, OrderedDict())
        narrow, wide = {graph.narrow for graph in mine}, Counter(graph.wide for graph in mine)

        def rank(task: Task) -> tuple[int, int, str, int]:
            graph = graph_of(task.trial)
            is_new = self._holders[graph.wide] == wide[graph.wide]
            held = (graph.narrow in narrow, graph.wide in wide, is_new)
            place = held.index(True) if True in held else len(held)
            return place, -left[task.study], task.study, task.index

        return min(waiting, key=rank, default=None)

    def note(self, task: Task, worker: str) -> None:
        """Remember that a worker has a task's graph now."""
        held = self._held.setdefault(worker, OrderedDict())
        graph = graph_of(task.trial)
        self._holders[graph.wide] += graph not in held
        held[graph] = None
        held.move_to_end(graph)
        while len(held) > REMEMBERED:
            self._holders[held.popitem(last=False)[0].wide] -= 1


@lru_cache(maxsize=4096)
def graph_of(trial: Trial) -> Graph:
    """Return what a trial's graph may depend on: all but the numbers that it reads."""
    return Graph(_digest(trial, {"momentum"}), _digest(trial, {"momentum", "epsilon"}))


def _digest(trial: Trial, numbers: set[str]) -> str:
    layer = trial.norm.layer
    arguments = layer.arguments.items() if layer else ()
    return content_digest(
        {
            "dataset": trial.dataset,
            "task": trial.task.plain(),
            "model": trial.model.plain(),
            "layer": layer.target if layer else None,
            "arguments": {name: value for name, value in arguments if name not in numbers},
            "placement": trial.norm.placement,
            "optimizer": trial.optimizer.target,
        }
    )
