"""One run of what is scheduled: every stage, the analysis kept under its date, and what changed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from pipeline.commands import STAGES
from pipeline.errors import Refusal
from pipeline.execution.lock import held, holder
from pipeline.findings.changes import changes
from pipeline.stages import compare
from pipeline.stages.places import Places
from pipeline.stages.schedule_engines import Resubmitted
from pipeline.stages.schedule_entry import Entry

CHANGED = 3  # exit code: a claim's verdict is another one
WITH_CLUSTER = ("sweep", "confirm")


def run(entry: Entry) -> int:
    """Run all stages of an entry, unless a run of it is still going on; return the exit code.

    The lock is the operating system's: a run that died holds nothing.
    """
    now = stamp()
    lock = entry.folder / "lock"
    if entry.engine == "sbatch":
        _follow(entry)
    if (other := holder(lock)) is not None:
        print(f"{now} {entry.name}: the last run goes on ({other}); nothing was started")
        return 0
    with held(lock):
        print(f"{now} {entry.name}: {entry.profile} on {entry.cluster}", flush=True)
        started = time.monotonic()
        for stage in STAGES:
            code = _staged(entry, stage)
            if code:
                print(f"{entry.name}: {stage} ended with {code}", flush=True)
                return code
        code = _judged(entry, now)
        print(f"{entry.name}: done in {time.monotonic() - started:.0f} s, {code}", flush=True)
        return code


def stamp() -> str:
    """Return the time as folders are named by it: sorted, they are in its order."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"


def last(entry: Entry) -> str:
    """Return what is known of an entry's last run, in a line."""
    if (now := holder(entry.folder / "lock")) is not None:
        return f"runs: {now}"
    kept = kept_analyses(entry)
    return f"last done {kept[-1].name}, {len(kept)} kept" if kept else "no run is done"


def kept_analyses(entry: Entry) -> list[Path]:
    """Return the folders of an entry's analyses, the oldest first."""
    return sorted(file.parent for file in entry.folder.glob("20*/analysis.json"))


def _follow(entry: Entry) -> None:
    try:
        Resubmitted().install(entry)
    except Refusal as refusal:
        print(f"{entry.name}: no next run: {refusal}", file=sys.stderr, flush=True)


def _staged(entry: Entry, stage: str) -> int:
    """Run one stage as a process of its own; whoever ends this one ends that one too."""
    words = ["--conf", entry.conf, stage, entry.profile]
    if stage in WITH_CLUSTER:
        words += ["--cluster", entry.cluster]
    process = subprocess.Popen([sys.executable, "-m", "pipeline", *words])

    def end(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        return process.wait()
    except KeyboardInterrupt:  # the terminal told both
        return process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def _judged(entry: Entry, now: str) -> int:
    """Keep the analysis, say how it differs from the last one, and return the exit code."""
    before = kept_analyses(entry)
    folder = entry.folder / now
    folder.mkdir()
    shutil.copyfile(Places(entry.profile).analysis, folder / "analysis.json")
    if not before:
        print(f"{folder}: the first one")
        return 0
    files = [each / "analysis.json" for each in (before[-1], folder)]
    compare.run(*map(str, files))
    old, new = map(compare.read, files)
    verdicts = [cell for cell in changes(old, new).beyond if cell.group == "verdicts"]
    if not any(cell.old and cell.new for cell in verdicts):
        return 0
    if entry.on_change is not None:
        told = {"NORMBENCH_PROFILE": entry.profile}
        told |= {"NORMBENCH_OLD": str(files[0]), "NORMBENCH_NEW": str(files[1])}
        sys.stdout.flush()
        done = subprocess.run(entry.on_change, shell=True, env=os.environ | told, check=False)  # noqa: S602
        if done.returncode:
            print(f"{entry.name}: --on-change ended with {done.returncode}")
    return CHANGED
