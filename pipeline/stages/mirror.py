"""Sealed outputs -> the mirrors: `normbench mirror PROFILE`, and what other stages call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.data.arrays import read_manifest
from pipeline.errors import Refusal
from pipeline.execution.store import Store
from pipeline.records import Answer, Manifest, Plan
from pipeline.stages.files import read_answers, read_metrics, read_plan
from pipeline.stages.places import Places
from pipeline.tracking.mirrors import mirror_everywhere, warning
from pipeline.tracking.snapshot import Snapshot


def run(profile: str) -> None:
    """Mirror a profile as far as it has come, and print what was written and mended.

    Raises:
        Refusal: Nothing has been swept yet, a file is damaged, or a mirror cannot
            be written; the others are.
    """
    mirrored = mirror_everywhere(snapshot(profile))
    for line in mirrored.done:
        print(line)
    if mirrored.outages:
        raise Refusal(
            f"{'; '.join(mirrored.outages)}; what was written stays, run normbench mirror "
            f"{profile} again"
        )


def mirror_profile(profile: str) -> str:
    """Mirror a profile as far as it has come, and return the lines to print.

    A line is a warning where a mirror is down or a file is missing: a stage
    that is done goes on.
    """
    try:
        mirrored = mirror_everywhere(snapshot(profile))
    except Refusal as refusal:
        return f"warning: not mirrored: {refusal}"
    warnings = (warning(profile, outage) for outage in mirrored.outages)
    return "\n".join((*mirrored.done, *warnings))


def snapshot(profile: str) -> Snapshot:
    """Return everything known about a profile; later outputs may not exist yet.

    Raises:
        Refusal: The plan or the sweep's answers are missing, or a file is damaged.
    """
    places, plan = Places(profile), read_plan(profile)
    swept, confirmed = read_answers(places.studies, f"normbench sweep {profile}"), []
    if places.confirmed.exists():
        confirmed = read_answers(places.confirmed, f"normbench confirm {profile}")
    return replace(
        partial_snapshot(profile, plan, swept=swept, confirmed=confirmed),
        models=_models(plan, places),
        pages=_pages(places),
        figures=read_metrics(profile) if places.metrics.exists() else {},
    )


def partial_snapshot(
    profile: str, plan: Plan, *, swept: Sequence[Answer], confirmed: Sequence[Answer]
) -> Snapshot:
    """Return what is known while a stage runs; its outputs are about to be replaced, and not read.

    Args:
        profile: The profile.
        plan: Its studies.
        swept: Answers of the sweep so far.
        confirmed: Answers of the winners so far.

    Raises:
        Refusal: A manifest is damaged.
    """
    store = Store.open()
    models = {answer.study: store.model(answer.key) for answer in confirmed if answer.index == 0}
    clocks = {answer.key: store.clock(answer.key) for answer in (*swept, *confirmed)}
    return Snapshot(
        plan=plan,
        swept=tuple(swept),
        confirmed=tuple(confirmed),
        clocks={key: clock for key, clock in clocks.items() if clock is not None},
        manifests=_manifests(plan, Places(profile)),
        models={study: file for study, file in models.items() if file.is_file()},
        pages={},
        figures={},
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
