"""A sweep by this project: its loop, its store, its worker processes; the trials are given."""

from types import SimpleNamespace

from asked import WORKERS, folder, note, trials
from simulated import Silence

from pipeline.execution.dask_clusters import local
from pipeline.execution.loop import run
from pipeline.execution.queues import Answers
from pipeline.execution.store import Store
from pipeline.execution.task import Task
from pipeline.studies import Limits


class Given:
    """A queue of trials that no design proposes."""

    def __init__(self, asked, arrays):
        self.study = SimpleNamespace(name="given")
        self.total = len(asked)
        self._waiting = [
            Task("given", index, trial, arrays, keep_model=False)
            for index, trial in enumerate(asked)
        ]
        self._answers = Answers(self.study)

    def ready(self):
        tasks, self._waiting = self._waiting, []
        return tasks

    def take(self, task, result):
        return self._answers.take(task, result)

    def answers(self):
        return self._answers.ordered()


def main() -> None:
    asked = folder()
    store = Store(asked / "store")
    queue = Given(*trials(asked))
    unlimited = Limits(wall_seconds=None, memory_bytes=None)
    failures = run([queue], lambda: local(store, unlimited, workers=WORKERS), store, Silence())
    assert not failures, failures[0].reason
    for answer in queue.answers():
        note(asked, answer.index, answer.result.metrics["validation_score"])


if __name__ == "__main__":
    main()
