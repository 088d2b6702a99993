"""What waits for a worker, in one line for each study and graph: a choice looks at their heads.

So it costs as much as there are lines, however many trials wait. A question that several studies
ask waits once. A trial that starts from another one's weights comes to the head of a line when
that one is over; what is taken or blocked leaves its line when it is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from itertools import count

from pipeline.execution.affinity import Graph, graph_of
from pipeline.execution.task import Task


class Waiting:
    """Tasks that no worker has been given yet, or that have lost theirs; its length is theirs."""

    def __init__(self) -> None:
        self._asked: dict[str, list[Task]] = {}  # by key
        self._left: set[str] = set()  # keys that are still to be trained: waiting, or given
        self._lines: dict[tuple[str, Graph], list[tuple[int, int, Task]]] = {}
        self._blocked: defaultdict[str, list[Task]] = defaultdict(list)  # by the key of the start
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, task: Task) -> None:
        """Let a task wait."""
        self._asked.setdefault(task.trial.key, []).append(task)
        self._left.add(task.trial.key)
        self._line_up(task)

    def heads(self) -> list[Task]:
        """Return the first task of each line that can begin."""
        heads = [self._head(line) for line in list(self._lines)]
        return [task for task in heads if task is not None]

    def take(self, key: str) -> list[Task]:
        """Return all tasks that ask one question, which wait no longer."""
        return self._asked.pop(key)

    def over(self, key: str) -> None:
        """Let the tasks begin that start from a trial which is over now."""
        self._left.discard(key)
        for task in self._blocked.pop(key, []):
            self._line_up(task)

    def drop_after(self, key: str) -> list[Task]:
        """Return the tasks that start from a trial which will never be over, and forget them."""
        dropped = [
            task
            for same in self._asked.values()
            for task in same
            if task.start is not None and task.start.trial.key == key
        ]
        for task in dropped:
            if self._asked.pop(task.trial.key, None):
                self.over(task.trial.key)
        return dropped

    def _line_up(self, task: Task) -> None:
        line = self._lines.setdefault((task.study, graph_of(task.trial)), [])
        heappush(line, (task.index, next(self._numbers), task))

    def _head(self, name: tuple[str, Graph]) -> Task | None:
        line = self._lines[name]
        while line:
            task = line[0][-1]
            start = task.start.trial.key if task.start is not None else None
            if task.trial.key in self._asked and start not in self._left:
                return task
            heappop(line)
            if task.trial.key in self._asked and start is not None:
                self._blocked[start].append(task)
        del self._lines[name]
        return None
