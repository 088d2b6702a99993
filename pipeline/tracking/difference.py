"""Runs that should exist against runs that do: which one is which, and what it lacks. Pure.

A run is right when it says all that its entry says. What it says beyond that,
another stage knows: it stays. Nothing here deletes a run that says something
else, because MLflow never changes a parameter: that is another question's run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.tracking.entry import Entry


@dataclass(frozen=True)
class Found:
    """A run that exists, with its metrics as of their last steps."""

    run_id: str
    finished: bool
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def of_entry(entry: Entry, named: Sequence[Found]) -> list[Found]:
    """Return the runs of an entry's name that ask what it asks, the one to keep first."""
    own = [run for run in named if run.params.items() <= entry.params.items()]
    return sorted(own, key=lambda run: (not run.finished, run.run_id))


def lacking_tags(entry: Entry, tags: Mapping[str, str], run: Found) -> dict[str, str]:
    """Return the tags that a run is to be given; where one has ended already, a beginning has none.

    Args:
        entry: What it should be.
        tags: Its entry's, and where it hangs.
        run: What it is.
    """
    if run.finished and not entry.complete:
        tags = {name: value for name, value in tags.items() if name not in entry.tags}
    return dict(tags.items() - run.tags.items())


def lacks(entry: Entry, tags: Mapping[str, str], run: Found) -> bool:
    """Whether a run is to be written to."""
    if lacking_tags(entry, tags, run):
        return True
    if run.finished and not entry.complete:
        return False
    return not (
        run.finished == entry.complete
        and entry.params.items() <= run.params.items()
        and entry.metrics.items() <= run.metrics.items()
        and entry.digests.items() <= run.tags.items()
    )
