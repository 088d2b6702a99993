"""A diagnosis: what was found in a model, and the figures behind it. `--json` prints it."""

from __future__ import annotations

from typing import Literal

from pipeline.content import Record
from pipeline.diagnosis.finding import Finding
from pipeline.diagnosis.measured import Measured, Scored


class Mended(Record):
    """A model written with population statistics, and its score before and after."""

    file: str
    before: Scored
    after: Scored


class Diagnosis(Record):
    """All that `diagnose` says of a model.

    Attributes:
        form: Which fields there are; another number when they change.
        model: What it is called.
        norms: How many normalization layers of each kind it has.
        findings: What does most harm first.
        measured: What examples told; absent without.
        mended: The model that was written, if one was asked for.
    """

    form: Literal[1]
    model: str
    norms: dict[str, int]
    findings: tuple[Finding, ...]
    measured: Measured | None
    mended: Mended | None

    @property
    def summary(self) -> str:
        """All of it in one sentence."""
        if not self.norms:
            return f"{self.model} has no normalization layer: there is nothing to diagnose."
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.norms.items())
        if not self.findings:
            return f"{self.model} ({kinds}): nothing found."
        counts = {
            rank: sum(each.rank == rank for each in self.findings)
            for rank in ("harm", "warning", "note")
        }
        said = ", ".join(f"{count} of rank {rank}" for rank, count in counts.items() if count)
        return f"{self.model} ({kinds}): {said}."
