"""What a study still has to ask: its search, or its winner's confirmation.

A queue hands out tasks as soon as they may be asked, and takes results in any
order. What it asks depends on the study and on the results that a proposal may
know, never on when they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pipeline.components import build
from pipeline.execution.task import Folders, Task
from pipeline.records import Answer, Result, Trial
from pipeline.search.objective import winner
from pipeline.search.proposal import Proposer
from pipeline.studies import CellFields, Study


class Ask(Protocol):
    """Turns a cell into the question of one seed."""

    def __call__(
        self,
        cell: CellFields,
        *,
        seed: int,
        split: Literal["validation", "test"],
        thresholds: Sequence[float | None] = (),
        start: str | None = None,
    ) -> Trial:
        """Return the question; with `split` "test", test data are read.

        `start` is the key of the trial from whose weights it starts.
        """
        ...


class Queue(Protocol):
    """The tasks of one study."""

    study: Study
    total: int

    def ready(self) -> list[Task]:
        """Return the tasks that may be asked now and were not handed out before."""
        ...

    def take(self, task: Task, result: Result) -> Answer:
        """Note the answer of a task that was handed out."""
        ...

    def answers(self) -> list[Answer]:
        """Return what has been answered, in index order."""
        ...


class Answers:
    """Answers of one study, gathered in any order."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._known: dict[int, Answer] = {}

    def take(self, task: Task, result: Result) -> Answer:
        """Note a task's answer."""
        answer = Answer(
            study=self._study.name,
            index=task.index,
            key=task.trial.key,
            trial=task.trial,
            result=result,
        )
        self._known[task.index] = answer
        return answer

    def first(self, count: int) -> list[Result] | None:
        """Return the results 0 .. count - 1, or nothing while one of them is missing."""
        if any(index not in self._known for index in range(count)):
            return None
        return [self._known[index].result for index in range(count)]

    def ordered(self) -> list[Answer]:
        """Return what is known, in index order."""
        return [self._known[index] for index in sorted(self._known)]


def starts_of(study: Study, ask: Ask, folders: Folders) -> dict[int, Task]:
    """Return the tasks from whose weights others start, by seed: known before any is answered.

    Args:
        study: One whose only setting runs with each of its seeds.
        ask: Turns its settings into a question.
        folders: Dataset name to the folder of its arrays.
    """
    return {
        asked.seed: Task(
            study.name,
            index,
            ask(study.placed(asked.values), seed=asked.seed, split="validation"),
            folders(study.dataset),
            keep_model=True,
        )
        for index, asked in enumerate(study.asked)
    }


class Search:
    """The trials that a study's design proposes: number n once results 0 .. n - lag are in."""

    def __init__(
        self,
        study: Study,
        ask: Ask,
        folders: Folders,
        *,
        starts: Mapping[int, Task] | None = None,
        keep_models: bool = False,
    ) -> None:
        """Begin at proposal 0.

        Args:
            study: The study.
            ask: Turns its settings into a question.
            folders: Dataset name to the folder of its arrays.
            starts: By seed, the task from whose weights a trial starts; None where all are drawn.
            keep_models: Whether others start from its trials.
        """
        trials = study.design.trials
        self.study = study
        self.total = trials
        self._ask = ask
        self._folder = folders(study.dataset)
        self._proposer: Proposer = build(study.design.proposer, study)
        self._starts = starts
        self._keep_models = keep_models
        self._asked = 0
        self._answers = Answers(study)

    def ready(self) -> list[Task]:
        """Return the tasks that may be asked now and were not handed out before."""
        tasks: list[Task] = []
        while self._asked < self.total:
            results = self._answers.first(self.study.known_to(self._asked))
            if results is None:
                break
            proposal = self._proposer.propose(results)
            cell = self.study.placed(proposal.values)
            seed = self.study.seed_of(self._asked)
            start = None if self._starts is None else self._starts[seed]
            trial = self._ask(
                cell,
                seed=seed,
                split="validation",
                thresholds=proposal.thresholds,
                start=None if start is None else start.trial.key,
            )
            name, folder, keep = self.study.name, self._folder, self._keep_models
            tasks.append(Task(name, self._asked, trial, folder, keep_model=keep, start=start))
            self._asked += 1
        return tasks

    def take(self, task: Task, result: Result) -> Answer:
        """Note the answer of a task that was handed out."""
        return self._answers.take(task, result)

    def answers(self) -> list[Answer]:
        """Return what has been answered, in index order."""
        return self._answers.ordered()


class Confirmation:
    """A study's winner on each of its fresh seeds, with test data; the first seed's model stays."""

    def __init__(self, study: Study, swept: Sequence[Answer], ask: Ask, folders: Folders) -> None:
        """Find the winner.

        Args:
            study: The study.
            swept: Its answers from the search.
            ask: Turns the winner's settings into a question.
            folders: Dataset name to the folder of its arrays.
        """
        best = swept[winner([answer.result for answer in swept])].trial
        found = ("model", "norm", "optimizer", "batch_size")
        settings = study.model_copy(update={name: getattr(best, name) for name in found})
        folder = folders(study.dataset)
        self.study = study
        self.total = len(study.confirm_seeds)
        self._waiting = [
            Task(
                study.name,
                index,
                ask(settings, seed=seed, split="test"),
                folder,
                keep_model=index == 0 and study.keeps_model,
            )
            for index, seed in enumerate(study.confirm_seeds)
        ]
        self._answers = Answers(study)

    def ready(self) -> list[Task]:
        """Return every task, the first time this is called."""
        tasks, self._waiting = self._waiting, []
        return tasks

    def take(self, task: Task, result: Result) -> Answer:
        """Note the answer of a task that was handed out."""
        return self._answers.take(task, result)

    def answers(self) -> list[Answer]:
        """Return what has been answered, in index order."""
        return self._answers.ordered()
