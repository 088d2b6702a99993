"""Which steps are measured, and against which: the arms of a cell at one batch size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.execution.environment import environment
from pipeline.records import Trial
from pipeline.search.questions import components, question
from pipeline.statistics.step_costs import ArmCost, StepCost
from pipeline.studies import Study


@dataclass(frozen=True)
class CostCell:
    """What is measured in turn.

    Attributes:
        study: Any of the cell's studies.
        questions: By arm, in order of arms.
    """

    study: Study
    batch_size: int
    questions: dict[str, Trial]

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.study.cell_name}, batch {self.batch_size}"

    def cost(self, arms: Mapping[str, ArmCost]) -> StepCost:
        """Return the arms' readings with the cell's names."""
        return StepCost(
            experiment=self.study.experiment,
            dataset=self.study.dataset,
            model=self.study.model_name,
            optimizer=self.study.optimizer_name,
            batch_size=self.batch_size,
            arms=dict(arms),
        )


def cost_cells(studies: Iterable[Study], digests: Mapping[str, str]) -> list[CostCell]:
    """Return what is to be measured, in order of cell and batch size.

    A study with an axis `batch_size` is measured at each of its values, else at its
    own. Its other settings are its own, too, whatever is searched or combined.

    Args:
        studies: Those whose steps are measured.
        digests: Of the prepared data, by dataset.

    Raises:
        Refusal: A component's module cannot be found.
    """
    cells: dict[tuple[str, int], CostCell] = {}
    for study in sorted(studies, key=lambda each: each.name):
        for size in {study.placed(values).batch_size for values in study.combinations()}:
            cell = cells.setdefault((study.cell_name, size), CostCell(study, size, {}))
            data_digest = digests[study.dataset]
            cell.questions[study.arm] = cost_question(study, size, data_digest=data_digest)
    return [cells[place] for place in sorted(cells)]


def cost_question(study: Study, batch_size: int, *, data_digest: str) -> Trial:
    """Return what decides the cost of a study's step, as a trial that is not trained to its end.

    What belongs to a run and not to a step is the same in all of them. Averages
    for other momenta are left out: they are a measurement's, not the arm's.

    Raises:
        Refusal: A component's module cannot be found.
    """
    cell = study.placed({"batch_size": batch_size}).model_copy(
        update={
            "epochs": 1,
            "steps_per_epoch": None,
            "probes": study.probes.model_copy(update={"shadow_momenta": ()}),
        }
    )
    return question(
        cell,
        data_digest=data_digest,
        environment=environment(components(cell), "cost"),
        seed=study.seed,
        split="validation",
    )
