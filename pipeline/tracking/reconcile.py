"""Runs that should exist against runs that do: what to remove, refresh and write. Pure.

A run is kept when it is finished and says what its entry says; the digests in
its tags tell. What the server makes of the values (it cuts long texts) is never
compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.tracking.entry import Entry, Identity, study_identity
from pipeline.tracking.fingerprint import Fingerprint


@dataclass(frozen=True)
class Found:
    """A run that exists; `parent` is a run's id, empty when it has none."""

    run_id: str
    identity: Identity
    finished: bool
    fingerprint: Fingerprint
    metrics: frozenset[str]
    parent: str


@dataclass(frozen=True)
class Difference:
    """What separates the runs that exist from those that should.

    Attributes:
        kept: Runs that are right, or will be once refreshed.
        refreshed: The ones among `kept` that have newer metrics.
        written: Entries that have no run, parents first.
        removed: Half-written, outdated and double runs.
        stale: Finished runs of questions that nobody asks any more: left alone.
    """

    kept: dict[Identity, Found]
    refreshed: tuple[Entry, ...]
    written: tuple[Entry, ...]
    removed: tuple[Found, ...]
    stale: tuple[Found, ...]


def difference(
    wanted: Mapping[Identity, tuple[Entry, Fingerprint]], found: Iterable[Found]
) -> Difference:
    """Compare what should exist with what does; of equal runs the first is kept."""
    groups: dict[Identity, list[Found]] = defaultdict(list)
    for run in found:
        groups[run.identity].append(run)
    kept: dict[Identity, Found] = {}
    stale: list[Found] = []
    removed: list[Found] = []
    refreshed: list[Entry] = []
    for identity, runs in groups.items():
        entry, fingerprint = wanted.get(identity, (None, None))
        chosen = next(
            (run for run in runs if run.finished and run.fingerprint == fingerprint), None
        )
        if chosen is None and entry is not None:
            chosen = next((run for run in runs if _may_grow_into(run, entry, fingerprint)), None)
            refreshed += [entry] if chosen else []
        if entry is None:
            chosen = next((run for run in runs if run.finished), None)
            stale += [chosen] if chosen else []
        elif chosen is not None:
            kept[identity] = chosen
        removed += [run for run in runs if run is not chosen]
    return Difference(
        kept=kept,
        refreshed=tuple(refreshed),
        written=tuple(entry for entry, _ in wanted.values() if entry.identity not in kept),
        removed=tuple(removed),
        stale=tuple(stale),
    )


def _may_grow_into(run: Found, entry: Entry, fingerprint: Fingerprint | None) -> bool:
    return (
        entry.refreshable
        and run.finished
        and fingerprint is not None
        and run.fingerprint.fixed == fingerprint.fixed
        and run.metrics <= {point.metric for point in entry.points}
    )


def parents(
    entries: Iterable[Entry], run_ids: Mapping[Identity, str], found: Iterable[Found]
) -> dict[str, str]:
    """Return run id -> parent's run id for the runs that hang below the wrong one.

    A stale run whose parent was replaced or deleted follows its study; where
    that is gone too, it hangs below nothing: its parent is an empty text.

    Args:
        entries: Every entry.
        run_ids: Run of every entry.
        found: Runs that existed before and were not removed.
    """
    wanted = {entry.identity: entry.parent for entry in entries}
    remaining = list(found)
    alive = {run.identity: run.run_id for run in remaining} | dict(run_ids)
    alive_ids = set(alive.values())
    moves: dict[str, str] = {}
    for run in remaining:
        if run.identity in wanted:
            parent = wanted[run.identity]
            right = alive[parent] if parent else ""
        elif not run.parent or run.parent in alive_ids:
            right = run.parent
        else:
            right = alive.get(study_identity(run.identity.study), "")
        if right != run.parent:
            moves[run.run_id] = right
    return moves
