"""Every combination of the values that an experiment lists, with each of its seeds.

Nothing is searched: the settings were fixed before the runs, and every arm of a cell gets the
same ones, seed by seed. Where an arm has an own value of one axis, some seeds run all of its
values and choose, and the others are judged at what was chosen: nothing is judged on what
chose it, and every arm has the same budget.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from statistics import fmean

from pipeline.arguments import Scalar
from pipeline.designs import OwnValue
from pipeline.records import Result
from pipeline.search.proposal import Proposal
from pipeline.studies import Study


class Factorial:
    """Proposals of one study: its axes' combinations in order, each once per seed."""

    def __init__(self, study: Study) -> None:
        """Begin at the first run.

        Raises:
            ValueError: The study has a space to search, or asks for a part of its combinations.
        """
        if study.space:
            raise ValueError(f"searches nothing, {study.name} has {sorted(study.space)[0]}")
        if study.design.trials != (size := self.size(study)):
            raise ValueError(f"trials must be null or {size}, all of {study.name}'s")
        self._study = study
        self._asked = iter(study.asked)

    @staticmethod
    def size(study: Study) -> int:
        """Return the number of trials: combinations times seeds, or what an own value takes."""
        return len(study.asked)

    def propose(self, results: Sequence[Result]) -> Proposal:
        """Return the next combination; results matter where an arm chooses a value for itself."""
        asked, own = next(self._asked), self._study.design.own
        if own is None or asked.role != "own":
            return Proposal(asked.values)
        return Proposal({**asked.values, own.axis: self._best(asked.values, own, results)})

    def _best(self, cell: Mapping[str, Scalar], own: OwnValue, results: Sequence[Result]) -> Scalar:
        """Return the value that is best over the seeds that choose, the first of equals."""
        found: dict[Scalar, list[float]] = {value: [] for value in self._study.axes[own.axis]}
        for asked, result in zip(self._study.asked, results, strict=False):
            if asked.role == "choosing" and cell.items() <= asked.values.items():
                found[asked.values[own.axis]].append(_badness(result, own))
        return min(found, key=lambda value: fmean(found[value]))


def _badness(result: Result, own: OwnValue) -> float:
    """Return the error, or the evaluations before a target; of a diverged run, the worst there is.

    Of several evaluations it is their mean score, negative; those that a run has not are what it
    scores at its end. A target is reached where the next evaluation sees it too, as claims have it;
    what never reaches it counts as one evaluation more than there were.
    """
    ending = "_recalibrated" if own.statistics == "recalibrated" else ""
    metrics, curves = result.metrics, result.curves
    if own.target is None and own.evaluations == 1:
        # a diverged run has the error of a model that knows nothing, and its score
        return metrics.get(f"validation_error{ending}", metrics["validation_error"])
    scores = curves.get(f"validation_score{ending}", curves["validation_score"])
    if own.target is None:
        end = metrics.get(f"validation_score{ending}", metrics["validation_score"])
        seen = [end if score is None else score for score in scores]
        return -fmean([*seen, *[end] * (result.epochs_asked - len(seen))][-own.evaluations :])
    if result.status == "diverged":
        return result.epochs_asked
    above = [score is not None and score >= own.target for score in scores]
    reached = (n for n, both in enumerate(itertools.pairwise(above)) if all(both))
    return next(reached, result.epochs_asked)
