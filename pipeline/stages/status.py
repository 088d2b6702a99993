"""How far a profile's run has come, from another terminal."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from pipeline.errors import Refusal
from pipeline.execution.board import Progress
from pipeline.execution.lock import holder
from pipeline.stages.live import best, duration, line, table
from pipeline.stages.places import Places


def run(profile: str) -> None:
    """Print the run that is going on, or where the last one ended.

    Raises:
        Refusal: There was none.
    """
    places = Places(profile)
    if not places.progress.exists() and places.studies.exists():
        print(
            f"nothing has run of {profile} here: its outputs came from elsewhere, such as dvc "
            f"pull; the page is {places.reports / 'report.html'}"
        )
        return
    progress = _read(places.progress, profile)
    now = holder(places.lock)
    console = Console()
    shown = table(progress, console.width) if console.is_terminal else _plain(progress)
    console.print(shown, highlight=False, markup=False, soft_wrap=not console.is_terminal)
    done = sum(study.done for study in progress.studies)
    total = sum(study.total for study in progress.studies)
    if now is not None:
        state = f"running: {now}"
    elif done == total:
        state = "done"
    else:
        state = f"not running; normbench {progress.command} {profile} goes on from here"
    ago = duration(max(0.0, time.time() - progress.updated))
    console.print(f"{state} (last word {ago} ago)", highlight=False, markup=False)


def _plain(progress: Progress) -> str:
    rows = [
        f"{study.study}: {study.done} of {study.total}"
        + (f", {study.running} running" if study.running else "")
        + (f", {study.failed} failed" if study.failed else "")
        + (f", best {best(study)}" if study.best is not None else "")
        for study in progress.studies
    ]
    return "\n".join([*rows, line(progress)])


def _read(file: Path, profile: str) -> Progress:
    try:
        return Progress.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise Refusal(
            f"nothing has run of {profile} here; run: normbench sweep {profile}"
        ) from None
    except ValidationError:
        raise Refusal(
            f"{file} is damaged or old; remove it and run normbench sweep {profile}"
        ) from None
