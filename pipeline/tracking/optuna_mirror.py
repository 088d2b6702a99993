"""Bring an Optuna database up to date with a snapshot, for optuna-dashboard.

Called twice, the second call changes nothing. Studies of earlier plans of the
profile are left alone. A study that searches nothing is there too: the values of its
axes, and the seeds of one that has several, are choices of a category.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pipeline.tracking.entries import unplanned
from pipeline.tracking.loading import load
from pipeline.tracking.one_writer import one_writer
from pipeline.tracking.optuna_connection import opened, storage_url
from pipeline.tracking.optuna_studies import FoundStudy, WantedStudy, missing, wanted_studies
from pipeline.tracking.optuna_trials import KEY, frozen_trial
from pipeline.tracking.snapshot import Clock, Snapshot
from pipeline.tracking.untouched import noted, noting

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

FORM = "normbench.form"


@dataclass(frozen=True)
class MendedStudies:
    """What a mirror did to an Optuna database.

    Attributes:
        written: Trials added.
        rewritten: Studies deleted and written anew: half-made, edited, or of another space.
        unchanged: Trials right already.
        stale: Studies left alone, of the profile's earlier plans.
        unplanned: Answers left out, of studies that the plan does not hold.
    """

    profile: str
    written: int
    rewritten: int
    unchanged: int
    stale: int
    unplanned: int

    def after(self, earlier: Self) -> Self:
        """Return what two passes did, one after the other."""
        written = earlier.written + self.written
        return replace(
            self,
            written=written,
            rewritten=earlier.rewritten + self.rewritten,
            unchanged=max(0, self.written + self.unchanged - written),
        )

    def __str__(self) -> str:
        counts = [f"{self.written} trials written"]
        counts += [
            f"{count} {what}"
            for count, what in (
                (self.rewritten, "studies deleted and written anew"),
                (self.stale, "studies of earlier plans left alone"),
                (self.unplanned, "answers of studies outside the plan left out"),
            )
            if count
        ]
        return f"Optuna {self.profile}: {', '.join(counts)}; {self.unchanged} already right"


class OptunaMirror:
    """Writes snapshots of one profile, and counts what it has done."""

    def __init__(self) -> None:
        self._done: MendedStudies | None = None

    def __call__(self, snapshot: Snapshot) -> str:
        """Write a snapshot; return the line to print about all passes so far.

        Raises:
            MirrorUnreachable: As `mirror_studies` does.
        """
        done = mirror_studies(snapshot)
        self._done = done.after(self._done) if self._done else done
        return str(self._done)


def mirror_studies(snapshot: Snapshot) -> MendedStudies:
    """Write a snapshot's searches into the Optuna database.

    Raises:
        MirrorUnreachable: Optuna's database failed or is being written. What was
            written stays, and the next call continues from there.
    """
    url, profile, digest = storage_url(), snapshot.plan.profile, snapshot.digests()["answers"]
    name = f"Optuna {profile}"
    known = noted(url).get(name)
    if known and known["digest"] == digest:
        counts = {name: known[name] for name in ("unchanged", "stale")}
        mended = MendedStudies(profile, 0, 0, unplanned=0, **counts)
        return replace(mended, unplanned=unplanned(snapshot))
    load()
    with one_writer("Optuna", url), noting(url) as right:
        with opened(url) as storage:
            mended = _carry_out(storage, profile, wanted_studies(snapshot), snapshot.clocks)
        unchanged = mended.written + mended.unchanged
        right[name] = {"digest": digest, "unchanged": unchanged, "stale": mended.stale}
    return replace(mended, unplanned=unplanned(snapshot))


def _carry_out(
    storage: RDBStorage,
    profile: str,
    wanted: Sequence[WantedStudy],
    clocks: Mapping[str, Clock],
) -> MendedStudies:
    import optuna

    names = set(optuna.get_all_study_names(storage))
    written = rewritten = unchanged = 0
    for each in wanted:
        found = _found(storage, each.name) if each.name in names else None
        lacking = missing(each, found) if found else None
        if found and lacking is None:
            optuna.delete_study(study_name=each.name, storage=storage)
            rewritten += 1
        if lacking is None:
            _create(storage, each)
            lacking = each.answers
        if lacking:
            optuna.load_study(study_name=each.name, storage=storage).add_trials(
                frozen_trial(answer, each.study.space, each.choices, clocks.get(answer.key))
                for answer in lacking
            )
        written += len(lacking)
        unchanged += len(each.answers) - len(lacking)
    others = names - {each.name for each in wanted}
    return MendedStudies(
        profile=profile,
        written=written,
        rewritten=rewritten,
        unchanged=unchanged,
        stale=sum(name.startswith(f"{profile}/") for name in others),
        unplanned=0,
    )


def _create(storage: RDBStorage, wanted: WantedStudy) -> None:
    """Make an empty study. One that a crash has left without its form is written anew."""
    import optuna

    study = optuna.create_study(storage=storage, study_name=wanted.name, direction="maximize")
    study.set_user_attr(FORM, wanted.form)


def _found(storage: RDBStorage, name: str) -> FoundStudy:
    import optuna

    study = optuna.load_study(study_name=name, storage=storage)
    trials = study.get_trials(deepcopy=False)
    return FoundStudy(
        form=str(study.user_attrs.get(FORM, "")),
        keys=tuple(
            str(trial.user_attrs.get(KEY, "")) if trial.state.is_finished() else ""
            for trial in trials
        ),
    )
