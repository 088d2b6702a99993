"""Sealed outputs -> MLflow: `normbench mirror PROFILE`, and what other stages call when done."""

from __future__ import annotations

from pathlib import Path

from pipeline.data.arrays import read_manifest
from pipeline.errors import Refusal
from pipeline.execution.store import Store
from pipeline.records import Manifest, Plan
from pipeline.stages.files import read_answers, read_plan
from pipeline.stages.places import Places
from pipeline.tracking.connection import MirrorUnreachable
from pipeline.tracking.mirror import mirror, try_mirror
from pipeline.tracking.snapshot import Snapshot


def run(profile: str) -> None:
    """Mirror a profile as far as it has come, and print what was written and mended.

    Raises:
        Refusal: Nothing has been swept yet, a file is damaged, or MLflow cannot be written.
    """
    try:
        print(mirror(snapshot(profile)))
    except MirrorUnreachable as outage:
        raise Refusal(
            f"{outage}; what was written stays, run normbench mirror {profile} once it is back"
        ) from outage


def mirror_profile(profile: str) -> str:
    """Mirror a profile as far as it has come, and return the line to print.

    The line is a warning where MLflow is down or a file is missing: a stage
    that is done goes on.
    """
    try:
        return try_mirror(snapshot(profile))
    except Refusal as refusal:
        return f"warning: not mirrored: {refusal}"


def snapshot(profile: str) -> Snapshot:
    """Return everything known about a profile; later outputs may not exist yet.

    Raises:
        Refusal: The plan or the sweep's answers are missing, or a file is damaged.
    """
    places, plan, store = Places(profile), read_plan(profile), Store.open()
    swept = read_answers(places.studies, f"normbench sweep {profile}")
    confirmed = []
    if places.confirmed.exists():
        confirmed = read_answers(places.confirmed, f"normbench confirm {profile}")
    clocks = {answer.key: store.clock(answer.key) for answer in (*swept, *confirmed)}
    return Snapshot(
        plan=plan,
        swept=tuple(swept),
        confirmed=tuple(confirmed),
        clocks={key: clock for key, clock in clocks.items() if clock is not None},
        manifests=_manifests(plan, places),
        models=_models(plan, places),
        pages=_pages(places),
    )


def _manifests(plan: Plan, places: Places) -> dict[str, Manifest]:
    folders = {name: places.arrays / name for name in plan.datasets}
    return {name: read_manifest(folder) for name, folder in folders.items() if folder.is_dir()}


def _models(plan: Plan, places: Places) -> dict[str, Path]:
    names = [study.name for study in plan.studies.values()]
    files = {name: places.model(name) for name in names}
    return {name: file for name, file in files.items() if file.is_file()}


def _pages(places: Places) -> dict[str, Path]:
    files = [file for file in places.reports.rglob("[!.]*") if file.is_file()]
    return {file.relative_to(places.reports).as_posix(): file for file in sorted(files)}
