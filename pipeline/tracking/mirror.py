"""Bring MLflow up to date with a snapshot: every run that it describes is written in place.

A run is known by its name and keeps its id; nothing that is described is
deleted. One look at what is there serves a whole stage, as long as nobody else
writes in between. One process at a time writes; where two could (on two
machines, to one server), the later one deletes the doubles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from pipeline.tracking.connection import check_address, connected, open_experiment, tracking_uri
from pipeline.tracking.difference import Found, lacks, of_entry
from pipeline.tracking.entries import REPORT, entries, report_entries, unplanned
from pipeline.tracking.entry import MODEL_DIGEST, Entry
from pipeline.tracking.loading import load
from pipeline.tracking.one_writer import one_writer
from pipeline.tracking.outage import MirrorUnreachable, unreachable
from pipeline.tracking.snapshot import Snapshot
from pipeline.tracking.untouched import Noted, noted, noting

if TYPE_CHECKING:
    from mlflow import MlflowClient


Describe = Callable[[Collection[str]], Sequence[Entry]]


class MlflowMirror:
    """Writes the runs of one experiment, and remembers what is there.

    Attributes:
        written: Names of the runs that were created.
        updated: Names of those that were given what they lacked.
        doubles: How many equal runs of two writers were deleted.
        others: How many runs were left alone, of earlier plans.
    """

    def __init__(self) -> None:
        self.written, self.updated = set[str](), set[str]()
        self.doubles = self.others = 0
        self._settled = set[str]()  # names of runs that are right and never change
        self._mark, self._experiment, self._described = uuid4().hex, "", 0
        self._known: defaultdict[str, list[Found]] = defaultdict(list)
        self._champions: dict[str, str] = {}

    def __call__(self, snapshot: Snapshot) -> str:
        """Write a snapshot into MLflow, and return the line to print about all passes so far.

        Raises:
            MirrorUnreachable: MLflow, its database or the network failed. What was
                written stays, and the next call continues from there.
        """
        profile, unregistered = snapshot.plan.profile, ""
        if not self._is_right(snapshot):
            unregistered = self.write(profile, lambda but: entries(snapshot, but), of=snapshot)
        counts = {
            f"{len(self.updated - self.written)} updated": self.updated - self.written,
            f"{self.doubles} doubles deleted": self.doubles,
            f"{self.others} of earlier plans left alone": self.others,
            f"{unplanned(snapshot)} answers of studies outside the plan left out": (
                unplanned(snapshot)
            ),
        }
        told = [f"{len(self.written)} runs written", *(each for each in counts if counts[each])]
        right = self._described - len(self.written | self.updated)
        place = f"MLflow normbench/{profile}"
        return f"{place}: {', '.join(told)}; {right} already right{unregistered}"

    def _is_right(self, snapshot: Snapshot) -> bool:
        """Tell whether nothing has been written since all of this was right; and then count it."""
        known = noted(tracking_uri()).get(_called(snapshot))
        if self._described or not known or known["digests"] != snapshot.digests():
            return False
        self._described, self.others = known["described"], known["others"]
        return True

    def write(
        self, profile: str, describe: Describe, *, named: str = "", of: Snapshot | None = None
    ) -> str:
        """Write some runs; return why models are not registered, empty where they are.

        Args:
            profile: Names the experiment.
            describe: Returns the runs, parents before their children, but for those of some names.
            named: The one run that is looked for, where not all of them are.
            of: What they are described from, where they are all of it or its pages.

        Raises:
            MirrorUnreachable: As above.
        """
        load()
        from pipeline.tracking import runs  # imports MLflow

        uri = tracking_uri()
        with one_writer("MLflow", uri, mark=self._mark) as was_mine, noting(uri) as right:
            with connected() as client:
                experiment = open_experiment(client, profile)
                if not was_mine or experiment != self._experiment:
                    self._experiment, self._known = "", defaultdict(list)
                    self._champions, self._settled = {}, set()
                    for name, found in runs.find(client, experiment, named):
                        self._known[name].append(found)
            wanted = describe(self._settled)
            self._experiment = ""  # after a failure, nobody knows what is there
            with connected() as client:
                run_ids: dict[str, str] = {}
                for entry in wanted:
                    parent = run_ids.get(entry.parent, "")
                    run_ids[entry.name] = self._bring_up(client, experiment, entry, parent)
                unregistered = self._register(client, experiment, wanted, run_ids)
            self._described = len(wanted) + len(self._settled)
            self.others = sum(map(len, self._known.values())) - self._described
            self._settled |= {entry.name for entry in wanted if entry.settled}
            self._experiment = experiment
            self._note(right, of, whole=not named and not unregistered)
        return unregistered

    def _note(self, right: Noted, snapshot: Snapshot | None, *, whole: bool) -> None:
        """Note what is right now: all of a snapshot, or its pages beside what was right before."""
        if snapshot is None:
            return
        name = _called(snapshot)
        before = right.pop(name, None)
        if whole:
            counts = {"described": self._described, "others": self.others}
            right[name] = {"digests": snapshot.digests(), **counts}
        elif before and not self.written:  # the run of pages was there, and was counted
            own = {"pages": snapshot.digests()["pages"]}
            right[name] = {**before, "digests": before["digests"] | own}

    def _bring_up(self, client: MlflowClient, experiment: str, entry: Entry, parent: str) -> str:
        """Make a run right, and return its id."""
        from pipeline.tracking import runs

        own = of_entry(entry, self._known[entry.name])
        others = [run for run in self._known[entry.name] if run not in own]
        for double in own[1:]:
            client.delete_run(double.run_id)
            self.doubles += 1
        run, tags = own[0] if own else None, runs.tags_of(entry, parent)
        if run is None or lacks(entry, tags, run):
            (self.updated if run else self.written).add(entry.name)
            run = runs.write(client, experiment, entry, tags, run)
        self._known[entry.name] = [*others, run]
        return run.run_id

    def _register(
        self,
        client: MlflowClient,
        experiment: str,
        wanted: Sequence[Entry],
        run_ids: dict[str, str],
    ) -> str:
        from mlflow.exceptions import MlflowException

        from pipeline.tracking.models import register

        try:
            for entry in wanted:
                digest = entry.digests.get(MODEL_DIGEST, "")
                if digest and self._champions.get(entry.name) != digest:
                    register(client, experiment, run_ids[entry.name], entry)
                    self._champions[entry.name] = digest
        except (MlflowException, NotImplementedError) as error:
            reason = unreachable("MLflow", tracking_uri(), error)
            return f"\nwarning: models are not registered: {reason}"
        return ""


def _called(snapshot: Snapshot) -> str:
    """Return what a profile's runs are called in the note of what was right."""
    return f"MLflow {snapshot.plan.profile}"


def write_report(snapshot: Snapshot) -> str:
    """Write the run of a profile's pages alone, and return the line to print.

    Raises:
        MirrorUnreachable: MLflow, its database or the network failed.
    """
    mirror, profile = MlflowMirror(), snapshot.plan.profile
    known = noted(tracking_uri()).get(_called(snapshot))
    if known and known["digests"]["pages"] == snapshot.digests()["pages"]:
        return f"MLflow normbench/{profile}: {REPORT} already right"
    mirror.write(profile, lambda _: report_entries(snapshot), named=REPORT, of=snapshot)
    done = "written" if mirror.written else "updated" if mirror.updated else "already right"
    return f"MLflow normbench/{profile}: {REPORT} {done}"


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


def try_write_run(entry: Entry) -> str:
    """Write one training run into MLflow's experiment normbench/train, and return a line to print.

    The line is a warning where MLflow is down.
    """
    try:
        MlflowMirror().write("train", lambda _: [entry], named=entry.name)
    except MirrorUnreachable as outage:
        return f"warning: not in MLflow, train again once it is back: {outage}"
    return f"MLflow normbench/train: {entry.title}"
