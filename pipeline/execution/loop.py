"""Run studies: propose, look up or train, go on. One trial after the other.

Resuming is looking up: a trial whose answer is in the store is not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from pipeline.components import build
from pipeline.execution.store import Store
from pipeline.records import Answer, CellFields, Result, Study, Trial
from pipeline.search.objective import winner
from pipeline.search.questions import placed


class Ask(Protocol):
    """Turns a cell into the question of one seed."""

    def __call__(
        self, cell: CellFields, *, seed: int, split: Literal["validation", "test"]
    ) -> Trial:
        """Return the question; with `split` "test", test data are read."""


Work = Callable[[Trial], Result]
Tell = Callable[[Answer, bool], None]


def search_study(study: Study, ask: Ask, work: Work, store: Store, tell: Tell) -> list[Answer]:
    """Answer every trial that a study's design proposes, in index order.

    Args:
        study: The study.
        ask: Turns its settings into a question.
        work: Answers a question that the store does not know, and stores the answer.
        store: Where known answers are looked up.
        tell: Called with each answer, and whether it is a new one.
    """
    proposer = build(study.design.proposer, study)
    answers: list[Answer] = []
    for index in range(study.design.trials):
        seen = max(0, index - study.design.lag + 1)
        values = proposer.propose([answer.result for answer in answers[:seen]])
        trial = ask(placed(study, values), seed=study.seed, split="validation")
        answers.append(_answered(study, index, trial, work, store, tell))
    return answers


def confirm_study(
    study: Study, swept: Sequence[Answer], ask: Ask, work: Work, store: Store, tell: Tell
) -> list[Answer]:
    """Answer the study's winner on each of its fresh seeds, in their order, with test data.

    Args:
        study: The study.
        swept: Its answers from the search.
        ask: Turns the winner's settings into a question.
        work: Answers a question that the store does not know, and stores the answer.
        store: Where known answers are looked up.
        tell: Called with each answer, and whether it is a new one.
    """
    best = swept[winner([answer.result for answer in swept])].trial
    settings = study.model_copy(
        update={name: getattr(best, name) for name in ("model", "norm", "optimizer", "batch_size")}
    )
    return [
        _answered(study, index, ask(settings, seed=seed, split="test"), work, store, tell)
        for index, seed in enumerate(study.confirm_seeds)
    ]


def _answered(
    study: Study, index: int, trial: Trial, work: Work, store: Store, tell: Tell
) -> Answer:
    known = store.get(trial)
    result = known if known is not None else work(trial)
    answer = Answer(study=study.name, index=index, key=trial.key, trial=trial, result=result)
    tell(answer, known is None)
    return answer
