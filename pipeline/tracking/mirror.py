"""Bring MLflow up to date with a snapshot: write what is missing, mend what is not whole.

Called twice, the second call changes nothing. One process at a time writes;
where two could (on two machines, to one server), the later one cleans up after
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pipeline.records import Cell, Manifest, Result, Trial
from pipeline.tracking.connection import connected, open_experiment, tracking_uri
from pipeline.tracking.entries import entries, run_entry, unplanned
from pipeline.tracking.entry import Entry, Identity
from pipeline.tracking.fingerprint import Fingerprint, fingerprint
from pipeline.tracking.one_writer import one_writer
from pipeline.tracking.outage import MirrorUnreachable
from pipeline.tracking.reconcile import difference, parents
from pipeline.tracking.snapshot import Clock, Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Mended:
    """How many runs a mirror touched.

    Attributes:
        written: Created, from beginning to end.
        refreshed: Given newer metrics.
        removed: Half-written, outdated or double.
        moved: Hung below another parent, or set free of one that is gone.
        unchanged: Right already.
        stale: Left alone: of earlier plans, or of stages that have still to run again.
        unplanned: Answers, not runs: left out, of studies that the plan does not hold.
    """

    profile: str
    written: int
    refreshed: int
    removed: int
    moved: int
    unchanged: int
    stale: int
    unplanned: int

    def after(self, earlier: Self) -> Self:
        """Return what two passes did, one after the other."""
        written = earlier.written + self.written
        return replace(
            self,
            written=written,
            removed=earlier.removed + self.removed,
            moved=earlier.moved + self.moved,
            unchanged=max(0, self.written + self.refreshed + self.unchanged - written),
        )

    def __str__(self) -> str:
        counts = [f"{self.written} runs written"]
        counts += [
            f"{count} {what}"
            for count, what in (
                (self.refreshed, "refreshed"),
                (self.removed, "half-written, outdated or double removed"),
                (self.moved, "moved"),
                (self.stale, "others left alone"),
                (self.unplanned, "answers of studies outside the plan left out"),
            )
            if count
        ]
        return (
            f"MLflow normbench/{self.profile}: {', '.join(counts)}; {self.unchanged} already right"
        )


def mirror(snapshot: Snapshot) -> Mended:
    """Write a snapshot into MLflow.

    Raises:
        MirrorUnreachable: MLflow, its database or the network failed. What was
            written stays, and the next call continues from there.
    """
    wanted = {
        entry.identity: (entry, fingerprint(entry, snapshot.manifests))
        for entry in entries(snapshot)
    }
    with one_writer("MLflow", tracking_uri()), connected() as client:
        mended = _carry_out(client, snapshot.plan.profile, wanted, snapshot.manifests)
    return replace(mended, unplanned=unplanned(snapshot))


def try_mirror_run(
    cell: Cell, trial: Trial, result: Result, clock: Clock | None, manifest: Manifest
) -> str:
    """Write one training run into MLflow's experiment normbench/train, and return a line to print.

    The line is a warning where MLflow is down.
    """
    entry, manifests = run_entry(cell, trial, result, clock), {manifest.name: manifest}
    wanted = {entry.identity: (entry, fingerprint(entry, manifests))}
    try:
        with one_writer("MLflow", tracking_uri()), connected() as client:
            _carry_out(client, "train", wanted, manifests)
    except MirrorUnreachable as outage:
        return f"warning: not in MLflow, train again once it is back: {outage}"
    return f"MLflow normbench/train: {entry.name}"


def _carry_out(
    client: MlflowClient,
    profile: str,
    wanted: dict[Identity, tuple[Entry, Fingerprint]],
    manifests: Mapping[str, Manifest],
) -> Mended:
    from pipeline.tracking import writing  # imports MLflow

    experiment_id = open_experiment(client, profile)
    plan = difference(wanted, writing.find(client, experiment_id))
    for run in plan.removed:
        writing.remove(client, experiment_id, run)
    run_ids: dict[Identity, str] = {identity: run.run_id for identity, run in plan.kept.items()}
    for entry in plan.refreshed:
        writing.refresh(client, run_ids[entry.identity], entry, wanted[entry.identity][1])
    for entry in plan.written:
        run_ids[entry.identity] = writing.write(
            client,
            experiment_id,
            entry,
            wanted[entry.identity][1],
            parent=run_ids[entry.parent] if entry.parent else None,
            manifests=manifests,
        )
    moves = parents(
        [entry for entry, _ in wanted.values()], run_ids, [*plan.kept.values(), *plan.stale]
    )
    for run_id, parent in moves.items():
        if parent:
            client.set_tag(run_id, writing.PARENT, parent)
        else:
            client.delete_tag(run_id, writing.PARENT)
    return Mended(
        profile=profile,
        written=len(plan.written),
        refreshed=len(plan.refreshed),
        removed=len(plan.removed),
        moved=len(moves),
        unchanged=len(plan.kept) - len(plan.refreshed),
        stale=len(plan.stale),
        unplanned=0,
    )
