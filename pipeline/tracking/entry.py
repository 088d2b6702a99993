"""One run as MLflow should have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipeline.records import Environment, Manifest
from pipeline.tracking.snapshot import Clock

FILES_DIGEST, MODEL_DIGEST = "normbench.files_digest", "normbench.model_digest"


class Point(NamedTuple):
    """One value of a metric. Steps are epochs or trials, counted from 1; 0 where there are none."""

    metric: str
    value: float
    step: int


@dataclass(frozen=True)
class SavedModel:
    """A .keras file, and what its folder in MLflow says about it.

    Attributes:
        registered: Its name among the registered models.
        examples: A .npy file of examples as they lie on disk, where there is one.
    """

    file: Path
    registered: str
    environment: Environment
    manifest: Manifest
    examples: Path | None


@dataclass(frozen=True)
class Entry:
    """One run as it should be.

    Attributes:
        name: What makes two runs the same run: kind, study, index and key, as far as it has them.
        title: What tables call it.
        parent: Its parent's name, empty where it has none.
        params: What it asks. MLflow changes none: a run that has another is another run.
        points: Metrics in the order of their steps. Of an unfinished one, the first of them.
        complete: Whether all is known that there will be: the run is then marked as finished.
        settled: Whether it says the same forever: then its metrics are dated by its end.
        clocks: Of its trials, by which it is dated, as far as they are known.
        dataset: What it has read, and the split that its figures were read on.
        files: Path among the run's artifacts to the file.
        digests: What its files and its model are, as tags that are written last.
    """

    name: str
    title: str
    parent: str
    params: Mapping[str, str]
    points: tuple[Point, ...]
    tags: Mapping[str, str]
    clocks: Sequence[Clock] = ()
    complete: bool = True
    settled: bool = False
    dataset: tuple[Manifest, str] | None = None
    model: SavedModel | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def started(self) -> float | None:
        """POSIX seconds, `None` where no clock is known."""
        return min((clock.started for clock in self.clocks), default=None)

    @property
    def ended(self) -> float | None:
        """POSIX seconds, `None` where no clock is known."""
        return max((clock.started + clock.wall_seconds for clock in self.clocks), default=None)

    @property
    def metrics(self) -> dict[str, float]:
        """Each metric's value at its last step, which is the one that MLflow's tables show."""
        return {point.metric: point.value for point in self.points}
