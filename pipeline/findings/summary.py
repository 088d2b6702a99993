"""Every figure that the report prints, in one frozen record.

A study of the plan without answers keeps its place with None where its figures
would stand; a cell that the plan leaves out is named. Nothing here reads a
clock or a file, so that the same answers give the same bytes.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from pipeline.arguments import Count
from pipeline.content import Record
from pipeline.findings.gap.figures import Trajectory
from pipeline.findings.map.figures import Map
from pipeline.findings.settings.figures import Factors
from pipeline.findings.stability.figures import Stability
from pipeline.findings.time_to_target.figures import TimeToTarget
from pipeline.findings.tuned.comparisons import Comparison
from pipeline.findings.tuned.curves import Curve
from pipeline.findings.tuned.gap import Gap
from pipeline.findings.tuned.headline import Headline
from pipeline.findings.tuned.searches import Search
from pipeline.findings.verdicts.figures import ClaimFigures
from pipeline.records import Analysis, Study
from pipeline.statistics.effects import Effect
from pipeline.statistics.failures import Failures
from pipeline.statistics.intervals import Estimate
from pipeline.statistics.step_costs import Costs

Tally = Annotated[int, Field(ge=0)]


class Data(Record):
    """What a dataset is, and how many examples stand behind each accuracy."""

    name: str
    source: str
    license: str
    digest: str
    classes: Count
    shape: tuple[int, ...]
    examples: dict[str, int]


class StudyFigures(Record):
    """All about one tuned arm in one cell.

    Accuracies are shares of the test examples over all confirmed seeds, a
    diverged run at chance; `comparison` is absent for the reference itself and
    where the reference has no study in the cell. `crossed` is the difference from
    the reference in points with an interval over seeds and test images at once.
    """

    name: str
    study: Study
    is_reference: bool
    has_batch_statistics: bool
    seeds_confirmed: tuple[int, ...]
    test_score: Effect | None
    test_score_recalibrated: Effect | None
    comparison: Comparison | None
    crossed: Estimate | None
    gap: Gap | None
    sweep_failures: Failures
    confirmed_failures: Failures
    search: Search
    curves: dict[str, Curve]


class StudyFailures(Record):
    """How many of a study's runs failed; `phase` is `sweep` or `confirm`."""

    study: str
    experiment: str
    dataset: str
    model: str
    optimizer: str
    arm: str
    phase: Literal["sweep", "confirm"]
    planned: Count
    failures: Failures


class Counts(Record):
    """Runs asked for and come back; `seeds` are all that were used, sorted."""

    studies: Count
    planned: Count
    swept: Tally
    confirmed: Tally
    seeds: tuple[int, ...]


class Summary(Record):
    """The whole analysis of one profile: everything its report prints.

    `studies` are the tuned ones. `clock` holds every reading of a clock, which no
    other figure depends on but `times` and the claims' `seconds`; it is absent until
    costs were measured.
    """

    profile: str
    analysis: Analysis
    claims_digest: str
    claims: tuple[ClaimFigures, ...]
    headline: Headline
    studies: tuple[StudyFigures, ...]
    trajectories: tuple[Trajectory, ...]
    stability: tuple[Stability, ...]
    times: tuple[TimeToTarget, ...]
    maps: tuple[Map, ...]
    factors: tuple[Factors, ...]
    failures: tuple[StudyFailures, ...]
    counts: Counts
    unplanned: tuple[str, ...]
    data: tuple[Data, ...]
    versions: dict[str, tuple[str, ...]]
    digests: dict[str, str]
    clock: Costs | None
    commands: dict[str, str]

    def text(self) -> str:
        """Return the record as indented JSON, the same bytes for the same figures."""
        plain = json.dumps(self.plain(), sort_keys=True, indent=2, allow_nan=False)
        return plain + "\n"
