"""Bring MLflow up to date with a snapshot: every run that it describes is written in place.

A run is known by its name and keeps its id; nothing that is described is
deleted, and nothing is missed that another stage has written. One look at what
is there serves a whole stage, as long as nobody else writes in between. One
process at a time writes; where two could (on two machines, to one server), the
later one deletes the doubles.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from pipeline.records import Cell, Manifest, Result, Trial
from pipeline.tracking.connection import check_address, connected, open_experiment, tracking_uri
from pipeline.tracking.difference import Found, lacks, of_entry
from pipeline.tracking.entries import entries, unplanned
from pipeline.tracking.entry import MODEL_DIGEST, Entry
from pipeline.tracking.leaves import run_entry
from pipeline.tracking.one_writer import one_writer
from pipeline.tracking.outage import MirrorUnreachable, unreachable
from pipeline.tracking.snapshot import Clock, Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Mended:
    """What a mirror did, in names of runs.

    Attributes:
        described: How many runs there should be.
        written: Created.
        updated: Given what they lacked.
        doubles: How many equal runs of two writers were deleted.
        others: How many runs were left alone, of earlier plans.
        unplanned: How many answers were left out, of studies that the plan does not hold.
        unregistered: Why winners' models could not be registered, empty where they are.
    """

    profile: str
    described: int
    written: frozenset[str]
    updated: frozenset[str]
    doubles: int
    others: int
    unplanned: int
    unregistered: str

    def after(self, earlier: Self) -> Self:
        """Return what two passes did, one after the other."""
        written = earlier.written | self.written
        updated = (earlier.updated | self.updated) - written
        doubles = earlier.doubles + self.doubles
        return replace(self, written=written, updated=updated, doubles=doubles)

    def __str__(self) -> str:
        counts = [f"{len(self.written)} runs written"]
        counts += [
            f"{count} {what}"
            for count, what in (
                (len(self.updated), "updated"),
                (self.doubles, "doubles deleted"),
                (self.others, "of earlier plans left alone"),
                (self.unplanned, "answers of studies outside the plan left out"),
            )
            if count
        ]
        right = self.described - len(self.written) - len(self.updated)
        told = f"MLflow normbench/{self.profile}: {', '.join(counts)}; {right} already right"
        return f"{told}\nwarning: {self.unregistered}" if self.unregistered else told


class MlflowMirror:
    """Writes snapshots of one profile, and remembers what is there."""

    def __init__(self) -> None:
        self._mark = uuid4().hex
        self._experiment = ""
        self._known: defaultdict[str, list[Found]] = defaultdict(list)
        self._run_ids: dict[str, str] = {}
        self._champions: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, snapshot: Snapshot) -> Mended:
        """Write a snapshot into MLflow.

        Raises:
            MirrorUnreachable: MLflow, its database or the network failed. What was
                written stays, and the next call continues from there.
        """
        mended = self.write(snapshot.plan.profile, entries(snapshot))
        return replace(mended, unplanned=unplanned(snapshot))

    def write(self, profile: str, wanted: tuple[Entry, ...], *, alone: bool = False) -> Mended:
        """Write some runs; where there is one `alone`, no others are looked at.

        Raises:
            MirrorUnreachable: As above.
        """
        with (
            one_writer("MLflow", tracking_uri(), mark=self._mark) as was_mine,
            connected() as client,
        ):
            experiment = open_experiment(client, profile)
            if not was_mine or experiment != self._experiment:
                self._look(client, experiment, wanted[0].name if alone else "")
            self._experiment = ""  # after a failure, nobody knows what is there
            mended = self._carry_out(client, experiment, profile, wanted)
            unregistered = self._register(client, experiment, wanted)
            self._experiment = experiment
        return replace(mended, unregistered=unregistered)

    def _look(self, client: MlflowClient, experiment: str, name: str) -> None:
        from pipeline.tracking import runs  # imports MLflow

        self._known, self._champions = defaultdict(list), frozenset()
        for found_name, found in runs.find(client, experiment, name):
            self._known[found_name].append(found)

    def _carry_out(
        self, client: MlflowClient, experiment: str, profile: str, wanted: tuple[Entry, ...]
    ) -> Mended:
        from pipeline.tracking import runs

        written, updated = set[str](), set[str]()
        doubles = 0
        self._run_ids = {}
        for entry in wanted:
            own = of_entry(entry, self._known[entry.name])
            others = [run for run in self._known[entry.name] if run not in own]
            for double in own[1:]:
                client.delete_run(double.run_id)
                doubles += 1
            run = own[0] if own else None
            tags = runs.tags_of(entry, self._run_ids.get(entry.parent, ""))
            if run is None or lacks(entry, tags, run):
                (updated if run else written).add(entry.name)
                run = runs.write(client, experiment, entry, tags, run)
            self._known[entry.name] = [*others, run]
            self._run_ids[entry.name] = run.run_id
        return Mended(
            profile=profile,
            described=len(wanted),
            written=frozenset(written),
            updated=frozenset(updated),
            doubles=doubles,
            others=sum(map(len, self._known.values())) - len(wanted),
            unplanned=0,
            unregistered="",
        )

    def _register(self, client: MlflowClient, experiment: str, wanted: tuple[Entry, ...]) -> str:
        """Register winners' models; return why that cannot be done here, empty where it is."""
        winners = [entry for entry in wanted if entry.model]
        champions = frozenset((entry.name, entry.digests[MODEL_DIGEST]) for entry in winners)
        if champions <= self._champions:
            return ""
        from mlflow.exceptions import MlflowException

        from pipeline.tracking.models import register

        try:
            for entry in winners:
                register(client, experiment, self._run_ids[entry.name], entry)
        except (MlflowException, NotImplementedError) as error:
            return f"models are not registered: {unreachable('MLflow', tracking_uri(), error)}"
        self._champions = champions
        return ""


def address_warning() -> str:
    """Return a line to print where no run can be written to MLflow, empty where one may.

    Raises:
        Refusal: MLflow's address is none.
    """
    try:
        check_address()
    except MirrorUnreachable as outage:
        return f"warning: not in MLflow: {outage}"
    return ""


def try_mirror_run(
    cell: Cell, trial: Trial, result: Result, clock: Clock | None, manifest: Manifest
) -> str:
    """Write one training run into MLflow's experiment normbench/train, and return a line to print.

    The line is a warning where MLflow is down.
    """
    entry = run_entry(cell, trial, result, clock, manifest)
    try:
        MlflowMirror().write("train", (entry,), alone=True)
    except MirrorUnreachable as outage:
        return f"warning: not in MLflow, train again once it is back: {outage}"
    return f"MLflow normbench/train: {entry.title}"
