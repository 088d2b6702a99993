"""The analysis of a made-up profile, and the same with one figure edited."""

from __future__ import annotations

from functools import cache
from typing import Any

from fake_profile import fake_profile

from pipeline.content import Record
from pipeline.findings.analyzing import analyze
from pipeline.findings.decisions.deployed import Faster
from pipeline.findings.summary import Summary
from pipeline.statistics.step_costs import Costs

DIGESTS = {"studies.jsonl": "5" * 64, "confirmed.jsonl": "c" * 64}


@cache
def fake_analysis() -> Summary:
    """Return the whole analysis of fake_profile.py's answers."""
    runs = fake_profile()
    return analyze(
        runs.plan, runs.swept, runs.confirmed, runs.manifests, costs=runs.costs, digests=DIGESTS
    )


def with_figures(summary: Summary, kind: type[Record], **changes: Any) -> Summary:
    """Return an analysis in which some of a finding's figures are others."""
    changed = summary.of(kind).model_copy(update=changes)
    name = kind.__module__.split(".")[-2]
    return summary.model_copy(update={"findings": {**summary.findings, name: changed}})


def without_figures(summary: Summary) -> Summary:
    """Return an analysis whose findings, save the tuned arms, list nothing."""
    emptied = {
        name: figures.model_copy(
            update={
                field: () if isinstance(value, tuple) else None
                for field, value in figures
                if isinstance(value, tuple | Costs | Faster)
            }
        )
        for name, figures in summary.findings.items()
        if name != "tuned"
    }
    return summary.model_copy(update={"findings": {**summary.findings, **emptied}})


def edited(summary: Summary, place: str, value: Any) -> Summary:
    """Return an analysis in which one figure is another.

    Args:
        summary: The analysis.
        place: Names and indices with dots between them; a claim by its id.
        value: As JSON has it.
    """
    plain = summary.plain()
    *path, last = place.split(".")
    inner: Any = plain
    for name in path:
        inner = inner[_index(inner, name)]
    assert last in inner if isinstance(inner, dict) else int(last) < len(inner), place
    inner[_index(inner, last)] = value
    return Summary.parse(plain)


def _index(inner: Any, name: str) -> Any:
    if isinstance(inner, dict):
        return name
    return int(name) if name.isdigit() else [each["claim"]["id"] for each in inner].index(name)
