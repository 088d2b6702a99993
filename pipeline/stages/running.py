"""What sweep and confirm share: carry a profile's queues through, watched and mirrored."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pipeline.configuration.cluster import compose_cluster, fitting
from pipeline.content import canonical_json
from pipeline.errors import Unfinished
from pipeline.execution.board import Board
from pipeline.execution.environment import own_code
from pipeline.execution.loop import run
from pipeline.execution.pool import Pool, open_pool
from pipeline.execution.queues import Queue
from pipeline.execution.store import Store
from pipeline.execution.task import Failed, Lost, Task
from pipeline.records import Answer, targets_within
from pipeline.stages.advice import shared_norms
from pipeline.stages.live import View
from pipeline.stages.places import Places
from pipeline.tracking.live import LiveMirror
from pipeline.tracking.mirrors import usable_mirrors
from pipeline.tracking.snapshot import Snapshot

PATIENCE_SECONDS = 120.0  # how long a finished run waits for its mirrors
SHOWN = 20  # failures that are listed


def carry_through(
    command: str,
    profile: str,
    queues: Sequence[Queue],
    *,
    conf: Path,
    cluster: str,
    snapshot: Callable[[Sequence[Answer]], Snapshot],
    seal: Callable[[list[Answer]], None],
) -> None:
    """Answer everything that the queues ask, seal it, and bring the mirrors up to date.

    Args:
        command: The stage, as the user calls it.
        profile: The profile.
        queues: One per study.
        conf: The folder of configuration.
        cluster: Which file of conf/cluster, and its values: `local workers=4`.
        snapshot: Makes what the mirrors need of the answers so far.
        seal: Writes the output, given all answers in (study, index) order.

    Raises:
        Unfinished: Some trials were given up; the others are in the store.
        Refusal: A question cannot be answered as it stands, or nobody can work.
        Contradiction: A trial gave other bits than the store holds.
    """
    asked = compose_cluster(conf, cluster)
    store = Store.open()
    mirror = LiveMirror(profile, snapshot, usable_mirrors(profile))
    board = Board(command, profile, queues)

    def start() -> Pool:
        store.writable()
        datasets = sorted({queue.study.dataset for queue in queues})
        code = own_code(targets_within([queue.study.plain() for queue in queues]))
        folders = [Places(profile).dataset(name) for name in datasets]
        return open_pool(fitting(asked), store, folders, list(code))

    with _terminable(), View(board.progress) as view:
        watch = Reporter(board, view, mirror, Places(profile).progress)
        watch.write()
        try:
            failures = run(queues, start, store, watch)
        finally:
            watch.write()
    if failures:
        mirror.finish(PATIENCE_SECONDS)
        raise Unfinished(_story(command, profile, failures))
    seal([answer for queue in queues for answer in queue.answers()])
    for told in mirror.finish(PATIENCE_SECONDS):
        print(told)


class Reporter:
    """Passes on what happens: to the board, the terminal, the mirrors, and other terminals."""

    def __init__(self, board: Board, view: View, mirror: LiveMirror, file: Path) -> None:
        self._board = board
        self._view = view
        self._mirror = mirror
        self._file = file
        self._written = 0.0
        self._said = set[str]()

    def answered(self, answer: Answer, *, fresh: bool) -> None:
        """A task has its answer."""
        self._board.answered(answer, fresh=fresh)
        self._mirror.put(answer)
        told = shared_norms(answer.trial.model.target, answer.result)
        if told and told not in self._said:
            self._said.add(told)
            self._view.say(told)
        if not fresh:  # many come from the store before any time passes
            self.tick()

    def started(self, task: Task, worker: str) -> None:
        """A worker has been given a task."""
        self._board.started(task, worker)

    def lost(self, loss: Lost) -> None:
        """A task's worker died."""
        self._board.lost(loss)
        self._view.say(f"{loss.task.name}: {loss.reason}; it starts again")

    def failed(self, failure: Failed) -> None:
        """A task was given up."""
        self._board.failed(failure)
        self._view.say(f"{failure.task.name} failed: {failure.reason}")

    def tick(self) -> None:
        """Time has passed."""
        self._view.refresh()
        if time.time() - self._written >= 1:
            self.write()

    def write(self) -> None:
        """Tell other terminals how far it is."""
        progress = self._board.progress()
        self._written = progress.updated
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(canonical_json(progress.plain()))
        temporary.replace(self._file)


def _story(command: str, profile: str, failures: Sequence[Failed]) -> str:
    lines = [f"{len(failures)} trials failed; the others are done and kept"]
    lines += [
        f"  {each.task.name} ({each.task.trial.key[:12]}): {each.reason}" for each in failures
    ]
    if len(failures) > SHOWN:
        lines[SHOWN + 1 :] = [f"  and {len(failures) - SHOWN} more"]
    return "\n".join([*lines, f"  normbench {command} {profile} tries them again"])


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: workers ended, what is finished kept."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
