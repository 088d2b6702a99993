"""A run as people watch it: a table on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from pipeline.execution.board import Progress, StudyProgress

LINE_SECONDS = 10.0
TABLE_SECONDS = 0.25


class View:
    """Shows a run's progress on standard error while it is entered."""

    def __init__(self, progress: Callable[[], Progress]) -> None:
        self._progress = progress
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
            self.refresh(at_once=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
        if error is None:
            self.say(closing(self._progress()))

    def refresh(self, *, at_once: bool = False) -> None:
        """Show the progress, unless it was shown a moment ago."""
        pause = TABLE_SECONDS if self._console.is_terminal else LINE_SECONDS
        if not at_once and time.monotonic() - self._shown < pause:
            return
        self._shown = time.monotonic()
        if self._console.is_terminal:
            self._live.update(table(self._progress()), refresh=True)
        else:
            self.say(line(self._progress()))

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def table(progress: Progress) -> Table:
    """Return the studies as a table, with the whole run below it."""
    made = Table(box=None, header_style="dim", caption=line(progress), caption_justify="left")
    made.add_column("study")
    made.add_column("")
    for name in ("done", "running", "left", "best"):
        made.add_column(name, justify="right")
    for study in progress.studies:
        failed = f" ({study.failed} failed)" if study.failed else ""
        made.add_row(
            study.study,
            ProgressBar(total=study.total, completed=study.done, width=20),
            f"{study.done}/{study.total}{failed}",
            str(study.running or ""),
            str(study.left or ""),
            best(study),
        )
    return made


def best(study: StudyProgress) -> str:
    """Return a study's best score so far, by its task's word; nothing while there is none."""
    return "" if study.best is None else f"{study.score} {study.best:.3f}"


def line(progress: Progress) -> str:
    """Return the whole run as one line."""
    done = sum(study.done for study in progress.studies)
    total = sum(study.total for study in progress.studies)
    running = sum(study.running for study in progress.studies)
    failed = sum(study.failed for study in progress.studies)
    parts = [f"{progress.command} {progress.profile}: {done} of {total} trials"]
    parts += [f"{running} running"] if running else []
    parts += [f"{failed} failed"] if failed else []
    if not running and done + failed < total:
        parts.append("waiting for workers")
    if progress.trials_a_minute is not None:
        parts.append(f"{progress.trials_a_minute:.0f} a minute")
    if progress.seconds_left is not None and done < total:
        parts.append(f"about {duration(progress.seconds_left)} left")
    return ", ".join(parts)


def closing(progress: Progress) -> str:
    """Return what a run came to."""
    total = sum(study.total for study in progress.studies)
    return (
        f"{progress.command}: {total} trials, {progress.trained} of them trained now "
        f"in {duration(progress.updated - progress.started)}"
    )


def duration(seconds: float) -> str:
    """Return a length of time to read."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
