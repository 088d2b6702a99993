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
BAR = 20  # columns
FIGURES = 52  # columns of what stands beside a study's name
SHORTEST = 16  # columns of a study's name
OTHER_LINES = 4  # the whole run in up to two, the heads, and the cursor


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
            size = self._console.size
            self._live.update(table(self._progress(), *size), refresh=True)
        else:
            self.say(line(self._progress()))

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def table(progress: Progress, width: int, height: int | None = None) -> Table:
    """Return the whole run, and the studies below it: those that are at work first.

    Args:
        progress: The run.
        width: Columns there are; a long study keeps its end, which is the arm.
        height: Lines there are; studies beyond them are counted in the last one.
    """
    made = Table(box=None, header_style="dim", title=line(progress), title_justify="left")
    made.title_style = ""
    studies = sorted(progress.studies, key=lambda study: not study.running)
    if height is None:
        studies = list(progress.studies)
    room = len(studies) if height is None else max(1, height - OTHER_LINES)
    shown = studies if len(studies) <= room else studies[: room - 1]
    names = [_ending(study.study, max(SHORTEST, width - FIGURES)) for study in shown]
    has_bars = width >= FIGURES + BAR + max(map(len, names), default=0)
    made.add_column("study", no_wrap=True)
    if has_bars:
        made.add_column("")
    for name in ("done", "running", "left", "best"):
        made.add_column(name, justify="right", no_wrap=True)
    for name, study in zip(names, shown, strict=True):
        failed = f" ({study.failed} failed)" if study.failed else ""
        bar = ProgressBar(total=study.total, completed=study.done, width=BAR)
        made.add_row(
            name,
            *([bar] if has_bars else []),
            f"{study.done}/{study.total}{failed}",
            str(study.running or ""),
            str(study.left or ""),
            best(study),
        )
    if rest := studies[len(shown) :]:
        done, total = (sum(getattr(each, name) for each in rest) for name in ("done", "total"))
        made.add_row(f"... and {len(rest)} studies", *([""] if has_bars else []), f"{done}/{total}")
    return made


def _ending(name: str, width: int) -> str:
    return name if len(name) <= width else f"...{name[3 - width :]}"


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
