"""What a profile leaves out: of what there is to vary, and of its own combinations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pipeline.content import Record
from pipeline.findings.evidence import Evidence
from pipeline.studies import Study

Names = tuple[str, ...]


class Figures(Record):
    """What was looked at, sorted; `unplanned` names the studies that might have been, too."""

    datasets: Names
    models: Names
    optimizers: Names
    unplanned: Names


def figures(evidence: Evidence) -> Figures:
    """Say what was looked at and what was not."""
    studies = list(evidence.studies.values())
    return Figures(
        datasets=tuple(sorted({study.dataset for study in studies})),
        models=tuple(sorted({study.model_name for study in studies})),
        optimizers=tuple(sorted({study.optimizer_name for study in studies})),
        unplanned=_holes(studies),
    )


def _holes(studies: Sequence[Study]) -> Names:
    """Name the studies that an experiment's own datasets, models and arms would allow."""
    holes: list[str] = []
    for experiment in dict.fromkeys(study.experiment for study in studies):
        own = [study for study in studies if study.experiment == experiment]
        axes = [
            dict.fromkeys(study.dataset for study in own),
            dict.fromkeys(study.model_name for study in own),
            dict.fromkeys(study.optimizer_name for study in own),
            dict.fromkeys(study.arm for study in own),
        ]
        grid = ["/".join((experiment, *place)) for place in itertools.product(*axes)]
        planned = {study.name for study in own}
        holes += [name for name in grid if name not in planned]
    return tuple(holes)
