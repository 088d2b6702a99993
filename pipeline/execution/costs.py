"""Costs of a step, measured once and kept: a clock reading that stands still.

They lie in the store's folder `costs`, one file per cell and batch size, named by
the digest of what was asked: each arm's question, as far as a step's cost goes,
with the code that trains and times it in its environment. Whoever asks again gets
the readings of the first time, so that a report is the same whenever it is made.
Answers and their keys know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.content import content_digest
from pipeline.execution.digested import Damaged, read_digested, set_aside, write_digested
from pipeline.execution.work import training_module
from pipeline.records import Trial
from pipeline.statistics.step_costs import ArmCost

FORMAT = "normbench.cost/1"
Questions = Mapping[str, Trial]


@dataclass(frozen=True)
class CostStore:
    """Readings of a cell's arms, by their questions, below one folder."""

    root: Path

    def file(self, questions: Questions) -> Path:
        """Return where the readings lie, measured or not."""
        return self.root / f"{content_digest(_asked(questions))}.json"

    def get(self, questions: Questions) -> dict[str, ArmCost] | None:
        """Return the readings by arm, or nothing where there are none.

        A damaged file is set aside and counts as none.

        Raises:
            Refusal: The file cannot be read, or a damaged one cannot be set aside.
        """
        file = self.file(questions)
        try:
            content = read_digested(file, "cost")
            if content["questions"] != _asked(questions):
                raise Damaged(f"{file}: is damaged: its name says that it is another cell's")
            return {arm: ArmCost.parse(content["arms"][arm]) for arm in sorted(questions)}
        except FileNotFoundError:
            return None
        except (Damaged, KeyError, TypeError, ValidationError):
            set_aside(file, "the cost is measured again")
            return None

    def put(self, questions: Questions, arms: Mapping[str, ArmCost]) -> None:
        """Write readings durably.

        Raises:
            Refusal: They cannot be written.
        """
        content = {
            "format": FORMAT,
            "questions": _asked(questions),
            "arms": {arm: cost.plain() for arm, cost in arms.items()},
        }
        write_digested(self.file(questions), content)


def measured(
    questions: Questions, folder: Path, kept: CostStore, watch: Callable[[float], None]
) -> dict[str, ArmCost]:
    """Measure a cell's arms in this process, now, and keep the readings.

    Args:
        questions: A cell's, by arm: of one dataset and batch size.
        folder: The dataset's arrays.
        kept: Where the readings go.
        watch: Called now and then with the share that is done.

    Raises:
        Refusal: A question cannot be asked as it stands, or the readings cannot be written.
    """
    first = next(iter(questions.values()))
    readings = training_module(first, "cost").measure(questions, folder, watch)
    arms = {
        arm: ArmCost(
            steps=each.steps,
            wall_seconds=tuple(each.wall_seconds),
            cpu_seconds=tuple(each.cpu_seconds),
            kernels=each.kernels,
        )
        for arm, each in readings.items()
    }
    kept.put(questions, arms)
    return arms


def _asked(questions: Questions) -> dict[str, object]:
    return {arm: trial.plain() for arm, trial in questions.items()}
