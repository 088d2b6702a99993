"""What findings are computed from: plan, sealed answers as tables, manifests, clock readings."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from pipeline.claims.claim import Claim
from pipeline.content import Record
from pipeline.findings.places import by_cell
from pipeline.records import Answer, Manifest
from pipeline.statistics.runs import judged, runs_table
from pipeline.statistics.step_costs import Costs
from pipeline.studies import Plan, Study

F = TypeVar("F", bound=Record)


class Evidence:
    """A profile's answers, in (study, index) order; derived tables are made once."""

    def __init__(
        self,
        plan: Plan,
        swept: Sequence[Answer],
        confirmed: Sequence[Answer],
        manifests: Mapping[str, Manifest],
        *,
        costs: Costs | None,
        digests: Mapping[str, str],
    ) -> None:
        """Gather it.

        Args:
            plan: The composed profile.
            swept: Answers of the sweep.
            confirmed: Answers of the winners on fresh seeds.
            manifests: What was prepared, by dataset.
            costs: What was measured of steps, and how long training took.
            digests: SHA-256 of the sealed files the answers come from, by file name.

        Raises:
            ValueError: An answer belongs to no study of the plan, or a place is taken twice.
            KeyError: A dataset of the plan has no manifest.
        """
        self.plan, self.manifests = plan, manifests
        self.costs, self.digests = costs, dict(digests)
        self.reference, self.level = plan.analysis.reference, plan.analysis.level
        self.margin = math.log(plan.analysis.margin)
        self.studies = {study.name: study for study in _in_order(plan)}
        self.swept, self.confirmed = _sealed_order(swept), _sealed_order(confirmed)
        self.every_run = runs_table(self.swept, self.studies, manifests, confirmed=self.confirmed)
        self._found: dict[Hashable, Any] = {}

    def of(self, figures: Callable[[Evidence], F]) -> F:
        """Return a finding's figures, computed the first time that somebody asks for them."""
        return self.once(figures, lambda: figures(self))

    def once(self, key: Hashable, make: Callable[[], F]) -> F:
        """Return what `make` does, computed the first time that somebody asks by this key."""
        if key not in self._found:
            self._found[key] = make()
        found: F = self._found[key]
        return found

    @cached_property
    def tuned(self) -> list[Study]:
        """The studies with a winner."""
        return [study for study in self.studies.values() if study.design.has_winner]

    @cached_property
    def fixed(self) -> list[Study]:
        """The studies whose runs are compared as they are."""
        return [study for study in self.studies.values() if not study.design.has_winner]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The runs that claims are judged by: all of fixed settings, and confirmed winners."""
        return judged(self.every_run, self.studies)

    @cached_property
    def claims(self) -> list[Claim]:
        """Every claim, by the letter and the number of its id: T2 before T10, controls last."""
        return sorted(map(Claim.parse, self.plan.claims.values()), key=_place)


def _place(claim: Claim) -> tuple[str, int, str]:
    letters = claim.id.rstrip("0123456789abcdefghijklmnopqrstuvwxyz")
    digits = "".join(filter(str.isdigit, claim.id))
    return ("~" if claim.control else letters), int(digits or 0), claim.id


def _sealed_order(answers: Sequence[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda answer: (answer.study, answer.index))


def _in_order(plan: Plan) -> list[Study]:
    """Return the plan's studies cell by cell, as planned, the reference first in each."""
    return [
        study
        for cell in by_cell(plan.studies.values())
        for study in sorted(cell, key=lambda study: study.arm != plan.analysis.reference)
    ]
