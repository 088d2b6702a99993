"""The Optuna studies that should exist, and what those that do are lacking. Pure.

Optuna numbers trials in the order they are added and changes none afterwards:
a study grows at its end, or is written anew.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import takewhile

from pipeline.arguments import Scalar
from pipeline.content import content_digest
from pipeline.records import Answer
from pipeline.studies import Study
from pipeline.tracking.snapshot import Snapshot

FORMAT = "normbench.optuna/1"  # another one writes every study anew


@dataclass(frozen=True)
class WantedStudy:
    """One Optuna study as far as it is known.

    Attributes:
        name: PROFILE/experiment/dataset/model/optimizer/arm.
        answers: In index order, from 0 and without a gap.
    """

    name: str
    study: Study
    answers: tuple[Answer, ...]

    @property
    def form(self) -> str:
        """Digest of what all its trials have in common: what they vary, and how that is written."""
        space = {name: dimension.plain() for name, dimension in self.study.space.items()}
        return content_digest({"format": FORMAT, "space": space, "choices": self.choices})

    @property
    def choices(self) -> dict[str, tuple[Scalar, ...]]:
        """What is no range: the values of a design's axes, and seeds where there are several."""
        seeds: dict[str, tuple[Scalar, ...]] = {"seed": self.study.seeds}
        return {**self.study.axes, **(seeds if len(self.study.seeds) > 1 else {})}


@dataclass(frozen=True)
class FoundStudy:
    """An Optuna study that exists; empty texts stand for what was not written by a mirror."""

    form: str
    keys: tuple[str, ...]


def wanted_studies(snapshot: Snapshot) -> tuple[WantedStudy, ...]:
    """Return a study for each search of the plan; what lies behind a missing answer is left out.

    A study that searches no range is a grid: its runs are in MLflow, and a writer that commits
    trial by trial would spend more on them than on all searches.
    """
    by_study: dict[str, dict[int, Answer]] = defaultdict(dict)
    for answer in snapshot.swept:
        by_study[answer.study][answer.index] = answer
    studies = []
    for study in snapshot.plan.studies.values():
        if not study.space:
            continue
        known = by_study[study.name]
        indices = takewhile(known.__contains__, range(len(known)))
        answers = tuple(known[index] for index in indices)
        studies.append(WantedStudy(f"{snapshot.plan.profile}/{study.name}", study, answers))
    return tuple(studies)


def missing(wanted: WantedStudy, found: FoundStudy) -> tuple[Answer, ...] | None:
    """Return the answers that a study lacks at its end, or `None` where it must be written anew.

    While a sweep runs again over what an earlier one has found, the mirror is
    ahead of it: that lacks nothing.
    """
    keys = tuple(answer.key for answer in wanted.answers)
    trials = wanted.study.design.trials
    shared = min(len(keys), len(found.keys))
    if found.form != wanted.form or found.keys[:shared] != keys[:shared]:
        return None
    is_ahead = len(found.keys) > len(keys)
    if is_ahead and (len(keys) >= trials or len(found.keys) > trials):
        return None
    return wanted.answers[shared:]
