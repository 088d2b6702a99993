"""Sealed outputs -> the mirrors: `normbench mirror PROFILE`, and what other stages call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pipeline.data.arrays import examples_file, read_manifest
from pipeline.errors import Refusal
from pipeline.execution.store import Clock, Store
from pipeline.records import Answer, Manifest
from pipeline.stages.files import read_answers, read_metrics, read_plan
from pipeline.stages.places import Places
from pipeline.studies import Plan
from pipeline.tracking.mirror import write_report
from pipeline.tracking.mirrors import mirror_everywhere, warning
from pipeline.tracking.outage import MirrorUnreachable
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


def mirror_report(profile: str) -> str:
    """Mirror a profile's pages, and return the line to print.

    It is a warning where MLflow is down or a file is missing: a stage that is done goes on.
    """
    try:
        return write_report(snapshot(profile))
    except Refusal as refusal:
        return f"warning: not mirrored: {refusal}"
    except MirrorUnreachable as outage:
        return warning(profile, outage)


def snapshot(
    profile: str,
    *,
    plan: Plan | None = None,
    swept: Sequence[Answer] | None = None,
    confirmed: Sequence[Answer] | None = None,
) -> Snapshot:
    """Return everything known about a profile, whichever stage asks; some may not exist yet.

    Args:
        profile: The profile.
        plan: Its studies, where they were read already.
        swept: Answers so far of a sweep that runs, in place of the sealed ones.
        confirmed: Answers so far of a confirmation that runs, in place of the sealed ones.

    Raises:
        Refusal: The plan or the sweep's answers are missing, or a file is damaged.
    """
    places, plan, store = Places(profile), plan or read_plan(profile), Store.open()
    if swept is None:
        swept = read_answers(places.studies, f"normbench sweep {profile}")
    if confirmed is None:
        is_there = places.confirmed.exists()
        command = f"normbench confirm {profile}"
        confirmed = read_answers(places.confirmed, command) if is_there else []
    root = store.root.resolve()
    clocks = {answer.key: _clock(root, answer.key) for answer in (*swept, *confirmed)}
    models = {
        answer.study: (store.model(answer.key), places.model(answer.study))
        for answer in confirmed
        if answer.index == 0
    }
    manifests = _manifests(plan, places)
    examples = {name: examples_file(places.dataset(name), "validation") for name in manifests}
    return Snapshot(
        plan=plan,
        swept=tuple(swept),
        confirmed=tuple(confirmed),
        clocks={key: clock for key, clock in clocks.items() if clock is not None},
        manifests=manifests,
        examples={name: file for name, file in examples.items() if file.is_file()},
        models={
            study: next(file for file in files if file.is_file())
            for study, files in models.items()
            if any(file.is_file() for file in files)
        },
        pages=_pages(places),
        figures=read_metrics(profile) if places.metrics.exists() else {},
    )


@lru_cache(maxsize=100_000)
def _clock(root: Path, key: str) -> Clock | None:
    """Return an answer's clock, which is there before the answer and never changes."""
    return Store(root).clock(key)


def _manifests(plan: Plan, places: Places) -> dict[str, Manifest]:
    folders = {name: places.arrays / name for name in plan.datasets}
    return {name: read_manifest(folder) for name, folder in folders.items() if folder.is_dir()}


def _pages(places: Places) -> dict[str, Path]:
    files = [file for file in places.reports.rglob("[!.]*") if file.is_file()]
    return {file.relative_to(places.reports).as_posix(): file for file in sorted(files)}
